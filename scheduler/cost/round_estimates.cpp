#include "scheduler/cost/round_estimates.hpp"

#include <algorithm>

#include "scheduler/cost/incumbent.hpp"

namespace headroom::scheduler {
namespace {

/// Returns the problem with cost profile `physical`, which rounds follow whatever the policy
/// minimises.
Problem physical_problem(Problem problem) {
    problem.previous.reset();
    problem.cost_profile = CostProfile::physical;
    return problem;
}

} // namespace

RoundEstimates::RoundEstimates(const Problem& problem, const std::vector<std::int64_t>& batches)
    : problem_(physical_problem(problem)), alone_(RoundModel::alone(problem_)) {
    models_.reserve(batches.size());
    for (const std::int64_t batch : batches) {
        models_.emplace_back(problem_, batch);
    }
}

std::vector<RoundEstimate> RoundEstimates::of(const Placement& placement) {
    const Incumbent one(problem_, alone_.step(), placement);
    (void)alone_.bound(one);
    std::vector<RoundEstimate> estimates;
    for (RoundModel& model : models_) {
        const Incumbent incumbent(one, model.step());
        estimates.push_back(
            {model.simulate_round_at_offsets(alone_, model.bound(incumbent)), model.batch()}
        );
    }
    std::ranges::stable_sort(estimates, {}, &RoundEstimate::round);
    return estimates;
}

} // namespace headroom::scheduler
