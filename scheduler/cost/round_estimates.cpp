// See round_estimates.hpp.
#include "scheduler/cost/round_estimates.hpp"

#include <algorithm>

#include "scheduler/cost/incumbent.hpp"

namespace headroom::scheduler {
namespace {

/// Rounds are physical, whatever is minimised.
Problem of_rounds(Problem problem) {
    problem.previous.reset();
    problem.cost_profile = CostProfile::physical;
    return problem;
}

} // namespace

RoundGuesses::RoundGuesses(const Problem& problem, const std::vector<std::int64_t>& batches)
    : problem_(of_rounds(problem)), alone_(RoundModel::alone(problem_)) {
    models_.reserve(batches.size());
    for (const std::int64_t batch : batches) {
        models_.emplace_back(problem_, batch);
    }
}

std::vector<Guess> RoundGuesses::of(const Placement& placement) {
    const Draft one(problem_, alone_.step(), placement);
    (void)alone_.bound(one);
    std::vector<Guess> guesses;
    for (RoundModel& model : models_) {
        const Draft draft(one, model.step());
        guesses.push_back({model.rehearse_by(alone_, model.bound(draft)), model.batch()});
    }
    std::stable_sort(guesses.begin(), guesses.end(), [](const Guess& a, const Guess& b) {
        return a.round < b.round;
    });
    return guesses;
}

} // namespace headroom::scheduler
