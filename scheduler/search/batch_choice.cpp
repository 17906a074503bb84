#include "scheduler/search/batch_choice.hpp"

#include <algorithm>
#include <set>
#include <tuple>
#include <utility>

#include "scheduler/search/device_subset.hpp"
#include "scheduler/timing/evaluate.hpp"
#include "scheduler/timing/round_prediction.hpp"

namespace headroom::scheduler {
namespace {

/// The limit on blocks × sequences of the predictions for one placement. Two batch sizes are always
/// predicted.
constexpr std::int64_t kMostWalked = 5'000;
constexpr std::size_t kLeastWalked = 2;
/// Above this many blocks × sequences a prediction takes seconds.
constexpr std::int64_t kMostPredicted = 1'000'000;

std::int64_t walk_of(const Problem& problem) {
    return static_cast<std::int64_t>(problem.blocks->size()) * problem.in_flight();
}

/// Returns the batch sizes to predict: those with the shortest estimates.
std::vector<std::int64_t> promising(
    const Problem& problem,
    const Placement& placement,
    const std::vector<std::int64_t>& batches,
    const std::vector<RoundEstimate>* known
) {
    const auto affordable = static_cast<std::size_t>(kMostWalked / walk_of(problem));
    const std::size_t most = predicts_one_batch(problem) ? 1 : std::max(kLeastWalked, affordable);
    if (batches.size() <= most) {
        return batches;
    }
    std::vector<std::int64_t> chosen;
    const std::vector<RoundEstimate> estimates =
        known != nullptr ? *known : guess_rounds(problem, placement, batches);
    for (const RoundEstimate& estimate : estimates) {
        if (chosen.size() < most) {
            chosen.push_back(estimate.batch);
        }
    }
    return chosen;
}

} // namespace

bool predicts_one_batch(const Problem& problem) {
    return walk_of(problem) > kMostPredicted;
}

std::vector<std::int64_t> batches_of(const Problem& problem) {
    const std::int64_t all = problem.in_flight();
    if (problem.batch > 0) {
        return {std::min(problem.batch, all)};
    }
    std::vector<std::int64_t> batches;
    for (std::int64_t batch = 1; batch < all; batch *= 2) {
        batches.push_back(batch);
    }
    batches.push_back(all);
    return batches;
}

std::vector<RoundEstimate> guess_rounds(
    const Problem& problem, const Placement& placement, const std::vector<std::int64_t>& batches
) {
    std::set<DeviceId> used(placement.begin(), placement.end());
    used.insert(problem.source);
    const Focus small = focus_on(problem, used);
    return RoundEstimates(small.problem, batches).of(*small.narrow(placement));
}

Decision batched(
    const Problem& problem, Decision decision, const std::vector<RoundEstimate>* known
) {
    const std::vector<std::int64_t> batches = batches_of(problem);
    if (!decision.feasible || problem.in_flight() == 1) {
        return decision;
    }
    for (const std::int64_t batch : promising(problem, decision.placement, batches, known)) {
        if (batch == decision.batch) {
            continue;
        }
        const RoundTimes times = predict_rounds(problem, decision.placement, batch);
        const bool allowed = std::count(batches.begin(), batches.end(), decision.batch) > 0;
        const Nanoseconds now = round_with_prompt_share(problem, decision.round, decision.prompts);
        const Nanoseconds then = round_with_prompt_share(problem, times.round, times.prompts);
        if (!allowed || std::tie(then, batch) < std::tie(now, decision.batch)) {
            decision.round = times.round;
            decision.prompts = times.prompts;
            decision.batch = batch;
        }
    }
    return decision;
}

Decision with_rounds(const Problem& problem, Decision decision) {
    const Decision evaluated = evaluate_batched(problem, decision.placement);
    decision.batch = evaluated.batch;
    decision.round = evaluated.round;
    decision.prompts = evaluated.prompts;
    return decision;
}

Decision evaluate_batched(
    const Problem& problem, Placement placement, const std::vector<RoundEstimate>* known
) {
    if (predicts_one_batch(problem)) {
        const std::int64_t batch =
            promising(problem, placement, batches_of(problem), known).front();
        return evaluate(problem, std::move(placement), batch);
    }
    const std::int64_t first = batches_of(problem).front();
    return batched(problem, evaluate(problem, std::move(placement), first), known);
}

} // namespace headroom::scheduler
