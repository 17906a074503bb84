// See resource_aware.hpp. Starts, descents and kicks find a placement; the exact evaluation and the
// comparison with keeping the old one decide.
#include "scheduler/policies/resource_aware.hpp"

#include <algorithm>
#include <optional>
#include <tuple>
#include <utility>
#include <vector>

#include "scheduler/policies/block_cost.hpp"
#include "scheduler/policies/caution.hpp"
#include "scheduler/policies/focus.hpp"
#include "scheduler/policies/keep.hpp"
#include "scheduler/policies/packing.hpp"
#include "scheduler/policies/paper_placer.hpp"
#include "scheduler/policies/reasons.hpp"
#include "scheduler/policies/refine.hpp"
#include "scheduler/policies/search.hpp"
#include "scheduler/policies/shortages.hpp"
#include "scheduler/policies/starts.hpp"
#include "scheduler/policies/step_delay.hpp"

namespace headroom::scheduler {
namespace {

/// Evaluated layers per decision, about 0.2 µs each with five devices; starts may use half.
constexpr std::int64_t kMostEvaluations = 120'000;
/// With caps, D_mig is found by walking all moves, some fifty times as dear.
constexpr std::int64_t kCapped = 30;
constexpr int kFruitlessKicks = 24;
constexpr std::size_t kMostDevices = 32; // that a fleet is narrowed down to
constexpr std::size_t kDescents = 6;
/// Devices × layers up to which all moves are tried, and with full effort.
constexpr std::int64_t kThorough = 256;
constexpr std::int64_t kSmall = 128;
/// Devices × layers up to which the best placement is refined by bounds, and for how long: a
/// relaxation takes about 2 µs with five devices and four layers.
constexpr std::int64_t kRefined = 32;
constexpr std::int64_t kMostRelaxations = 20'000;
/// A brief search's limit: what a decision for 25 devices × 32 layers can pay in a few
/// milliseconds.
constexpr std::int64_t kMostBriefEvaluations = 1'400;

struct Start {
    Placement placement;
    Score score;
};

bool better_start(const Start& a, const Start& b) {
    return std::tie(a.score.shortage, a.score.objective) <
           std::tie(b.score.shortage, b.score.objective);
}

/// From the previous placement, and from the plan of layer after layer.
Search brief_search(const Problem& problem, const StepDelay& step, std::int64_t limit) {
    Search search(problem, step, limit, Search::Extent::brief);
    std::vector<Start> starts;
    for (Placement& placement : few_starting_points(problem, step)) {
        const Score score = search.offer(placement);
        starts.push_back({std::move(placement), score});
    }
    std::stable_sort(starts.begin(), starts.end(), better_start);
    for (const Start& start : starts) {
        search.descend_from(start.placement);
    }
    return search;
}

/// Whether nothing better than the best placement found is left.
bool refine_best(const Problem& problem, const StepDelay& step, Search& search) {
    std::optional<Decision> best;
    if (search.best()) {
        best = evaluate(problem, search.best()->placement, "");
    }
    const Refined refined = refine(problem, step, best, kMostRelaxations);
    search.spend(refined.work);
    if (refined.placement) {
        search.offer(*refined.placement);
    }
    return refined.complete;
}

/// Scores all starts, descends from the most promising; then bounds for few blocks, and kicks.
Search search(const Problem& problem, const StepDelay& step) {
    const bool dear = !step.by_formula() && problem.previous && has_caps(problem.snapshot);
    const std::int64_t size =
        static_cast<std::int64_t>(step.devices()) * problem.blocks->shape().layers;
    if (size > kThorough) {
        return brief_search(problem, step, kMostBriefEvaluations / (dear ? kCapped : 1));
    }
    const std::int64_t limit =
        kMostEvaluations * kSmall / std::max(size, kSmall) / (dear ? kCapped : 1);
    Search search(problem, step, limit);
    std::vector<Start> starts;
    for (Placement& placement : starting_points(problem, step)) {
        const Score score = search.offer(placement);
        starts.push_back({std::move(placement), score});
    }
    // The previous placement and the unlimited plan stand first, whatever they score.
    const std::size_t fixed = std::min<std::size_t>(problem.previous ? 2 : 1, starts.size());
    std::stable_sort(
        starts.begin() + static_cast<std::ptrdiff_t>(fixed), starts.end(), better_start
    );
    for (std::size_t i = 0; i < std::min(starts.size(), kDescents); ++i) {
        if (search.evaluations() < limit / 2) {
            search.descend_from(starts[i].placement);
        }
    }
    const bool few = size <= kRefined && problem.blocks->cut().reduce == Reduce::hub;
    if (!few || !refine_best(problem, step, search)) {
        search.kick(starts.front().placement, kFruitlessKicks);
    }
    return search;
}

/// The best placement found, on the devices of the whole problem; empty if nothing fits.
Placement best_of(const Problem& problem, const Focus& small, const Search& found) {
    if (found.best()) {
        Placement placement = small.widen(found.best()->placement);
        settle_ends(problem, placement);
        return placement;
    }
    Packing packing = pack(problem);
    if (packing.shortage == 0) {
        return packing.placement;
    }
    if (problem.blocks->sliced()) {
        return {};
    }
    PaperPlacing placing = place_by_score(problem);
    return placing.stuck ? Placement() : std::move(placing.placement);
}

std::optional<Alternative> alternative_of(const Search& found) {
    if (!found.runner_up()) {
        return std::nullopt;
    }
    return Alternative{found.runner_up()->inference, found.runner_up()->migration};
}

Decision decide_now(const Problem& problem) {
    if (hopeless(problem)) {
        return infeasible(problem, pack(problem).placement);
    }
    const Focus small = focus(problem, kMostDevices);
    const StepDelay step(small.problem);
    const Search found = search(small.problem, step);
    const Decision old = keep_previous(problem);
    Decision decision = old;
    Placement placement = best_of(problem, small, found);
    if (!placement.empty()) {
        Decision best = evaluate(problem, std::move(placement), "");
        // Equal objectives keep the previous placement.
        if (!old.feasible || objective(problem, best) < objective(problem, old)) {
            decision = std::move(best);
        }
    } else if (!old.feasible) {
        return infeasible(problem, pack(problem).placement);
    }
    decision.evaluations = found.evaluations();
    if (!problem.previous) {
        decision.reason = reason_first(problem, decision);
    } else if (decision.placement == *problem.previous) {
        decision.reason = reason_kept(problem, decision, alternative_of(found));
    } else {
        decision.reason = reason_moved(problem, decision, old);
    }
    return decision;
}

} // namespace

Decision ResourceAware::decide(const Problem& problem) const {
    return decide_cautiously(problem, decide_now);
}

} // namespace headroom::scheduler
