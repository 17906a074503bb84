// See resource_aware.hpp. Starts, descents and kicks find a placement; the exact evaluation and the
// comparison with keeping the old one decide.
#include "scheduler/policies/resource_aware.hpp"

#include <algorithm>
#include <optional>
#include <tuple>
#include <utility>
#include <vector>

#include "scheduler/construct/initial_placements.hpp"
#include "scheduler/construct/packing.hpp"
#include "scheduler/construct/paper_placer.hpp"
#include "scheduler/cost/block_cost.hpp"
#include "scheduler/cost/step_cost.hpp"
#include "scheduler/explain/explanations.hpp"
#include "scheduler/explain/infeasibility.hpp"
#include "scheduler/explain/keep_previous.hpp"
#include "scheduler/search/batch_choice.hpp"
#include "scheduler/search/device_subset.hpp"
#include "scheduler/search/exact_polish.hpp"
#include "scheduler/search/local_search.hpp"
#include "scheduler/search/memory_headroom.hpp"
#include "scheduler/search/throughput_search.hpp"
#include "scheduler/timing/evaluate.hpp"

namespace headroom::scheduler {
namespace {

/// Evaluated layers per decision, about 0.2 µs each with five devices; starts may use half.
constexpr std::int64_t kMostStartEvaluations = 120'000;
/// With caps, D_mig is found by walking all moves, some fifty times as dear.
constexpr std::int64_t kCapped = 30;
constexpr int kFruitlessKicks = 24;
constexpr std::size_t kMostDevices = 32; // that a fleet is narrowed down to
constexpr std::size_t kDescents = 6;
constexpr std::size_t kWideDescents = 2; // beside the best, in fleets of medium size
/// Devices × layers up to which a decision has that effort alone; up to which it has it beside the
/// brief search, and above which that falls as their inverse; and up to which all moves are tried.
constexpr std::int64_t kSmall = 20;
constexpr std::int64_t kMedium = 40;
constexpr std::int64_t kThorough = 256;
/// Relaxations for which the best placement of a small fleet is refined by bounds, about 2 µs each.
constexpr std::int64_t kMostRelaxations = 20'000;
/// A brief search's limit: what a decision for 25 devices × 32 layers can pay in a few
/// milliseconds. A layer of two spreads, or spread by the formula, is half as dear again.
constexpr std::int64_t kMostBriefEvaluations = 6'000;
constexpr std::int64_t kMostDearEvaluations = 4'000;
constexpr int kBudgets = 6;
/// In percent of the limit: for the better of previous placement and plan, for the other; what is
/// left is for the best that is found.
constexpr std::int64_t kMoreShare = 50;
constexpr std::int64_t kLessShare = 20;
/// The climb's in a small fleet.
constexpr std::int64_t kSmallShare = 5;

struct Start {
    Placement placement;
    Score score;
};

bool better_start(const Start& a, const Start& b) {
    return std::tie(a.score.shortage, a.score.objective) <
           std::tie(b.score.shortage, b.score.objective);
}

/// What climbing with ever more of D_mig for nothing may cost from there.
Nanoseconds most_budget(const Search& search, const Score& plan) {
    const Wide most = search.best() ? search.best()->objective - plan.objective + plan.migration
                                    : Wide{plan.migration};
    return static_cast<Nanoseconds>(std::clamp<Wide>(most, 0, kStall));
}

std::vector<Start> scored(Search& search, std::vector<Placement> placements) {
    std::vector<Start> starts;
    for (Placement& placement : placements) {
        const Score score = search.offer(placement);
        starts.push_back({std::move(placement), score});
    }
    return starts;
}

/// From the previous placement, from the plan of layer after layer, and from the best of that; each
/// has a share of the work.
void search_briefly(const Problem& problem, const StepDelay& step, Search& search) {
    const std::int64_t limit = search.limit();
    std::vector<Start> starts = scored(search, few_starting_points(problem, step));
    if (!problem.previous || step.by_formula()) { // by the formula D_mig is a sum: no budget helps
        std::stable_sort(starts.begin(), starts.end(), better_start);
        for (const Start& start : starts) {
            search.descend_from(start.placement);
        }
        return;
    }
    const auto climb = [&](std::int64_t percent) {
        search.allow(search.evaluations() + limit * percent / 100);
        search.climb_from(starts.front().placement, most_budget(search, starts[1].score), kBudgets);
    };
    const auto descend = [&](std::int64_t percent) {
        search.allow(search.evaluations() + limit * percent / 100);
        std::stable_sort(starts.begin() + 1, starts.end(), better_start);
        search.descend_from(starts[1].placement);
    };
    if (better_start(starts[1], starts[0])) {
        descend(kMoreShare);
        climb(kLessShare);
    } else {
        climb(kMoreShare);
        descend(kLessShare);
    }
    search.allow(limit);
    if (search.best()) {
        search.descend_from(Placement(search.best()->placement));
    }
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

/// Scores all starts, descends from the most promising, then bounds, then kicks.
void search_thoroughly(const Problem& problem, const StepDelay& step, Search& search) {
    const std::int64_t limit = search.limit();
    std::vector<Start> starts = scored(search, starting_points(problem, step));
    // The previous placement and the unlimited plan stand first, whatever they score.
    const std::size_t fixed = std::min<std::size_t>(problem.previous ? 2 : 1, starts.size());
    std::stable_sort(
        starts.begin() + static_cast<std::ptrdiff_t>(fixed), starts.end(), better_start
    );
    if (problem.previous && !step.by_formula() && starts.size() > 1) {
        search.allow(search.evaluations() + limit * kSmallShare / 100);
        search.climb_from(starts.front().placement, most_budget(search, starts[1].score), kBudgets);
        search.allow(limit);
        if (search.best()) {
            search.descend_from(Placement(search.best()->placement));
        }
    }
    for (std::size_t i = 0; i < std::min(starts.size(), kDescents); ++i) {
        if (search.evaluations() < limit / 2) {
            search.descend_from(starts[i].placement);
        }
    }
    const bool bounded = problem.blocks->cut().reduce == Reduce::hub;
    if (!bounded || !refine_best(problem, step, search)) {
        search.kick(starts.front().placement, kFruitlessKicks);
    }
}

/// All moves, from the best so far and the most promising other starts, then kicks; of previous
/// placements only one that lacks memory is tried again.
void search_widely(
    const Problem& problem, const StepDelay& step, Search& search, std::int64_t more
) {
    const std::int64_t before = search.evaluations();
    const Placement best = search.best()->placement;
    search.widen();
    search.allow(before + more);
    std::vector<Start> starts = scored(search, starting_points(problem, step));
    const bool lacking = problem.previous && starts.front().score.shortage > 0;
    if (problem.previous && !lacking) {
        starts.erase(starts.begin());
    }
    // A previous placement that lacks memory stands first, whatever it scores.
    std::stable_sort(starts.begin() + (lacking ? 1 : 0), starts.end(), better_start);
    search.descend_from(best);
    for (std::size_t i = 0; i < std::min(starts.size(), kWideDescents); ++i) {
        search.allow(before + more * static_cast<std::int64_t>(i + 2) / 4);
        search.descend_from(starts[i].placement);
    }
    search.allow(before + more);
    search.kick(best, kFruitlessKicks);
}

Search search(const Problem& problem, const StepDelay& step) {
    const bool walks = !step.by_formula() && problem.previous && has_caps(problem.snapshot);
    const std::int64_t share = walks ? kCapped : 1;
    const std::int64_t size =
        static_cast<std::int64_t>(step.devices()) * problem.blocks->shape().layers;
    if (size <= kSmall) {
        Search search(problem, step, kMostStartEvaluations / share);
        search_thoroughly(problem, step, search);
        return search;
    }
    const bool dear = step.sliced() || step.by_formula();
    const std::int64_t brief = (dear ? kMostDearEvaluations : kMostBriefEvaluations) / share;
    Search search(problem, step, brief, Search::Extent::brief);
    search_briefly(problem, step, search);
    if (size <= kThorough && search.best()) {
        search.widen();
        const std::int64_t more = kMostStartEvaluations * kMedium / std::max(size, kMedium) / share;
        search_widely(problem, step, search, more);
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

Decision decide_step(const Problem& problem) {
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

/// With several sequences: which steps are short is found out for one of them.
Decision decide_by_search(const Problem& problem) {
    if (problem.in_flight() == 1) {
        return decide_step(problem);
    }
    const Problem one = one_step(problem);
    Decision decision = decide_step(one);
    if (!counts_rounds(problem)) {
        return decision.feasible ? with_rounds(problem, std::move(decision))
                                 : infeasible(problem, pack(problem).placement);
    }
    RoundDecision decided = decide_for_throughput(problem, decision, keep_previous(one).feasible);
    decision = std::move(decided.decision);
    if (!decision.feasible) {
        return infeasible(problem, pack(problem).placement);
    }
    if (!problem.previous) {
        decision.reason = reason_first(problem, decision, Of::round);
    } else if (decision.placement == *problem.previous) {
        decision.reason = reason_kept(problem, decision, std::nullopt, Of::round);
    } else {
        const Decision old = decided.given_up.value_or(Decision());
        decision.reason = reason_moved(problem, decision, old, Of::round);
    }
    return decision;
}

} // namespace

Decision ResourceAware::decide(const Problem& problem) const {
    return decide_cautiously(problem, decide_by_search);
}

} // namespace headroom::scheduler
