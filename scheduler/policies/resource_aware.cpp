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
#include "scheduler/exact/tables.hpp"
#include "scheduler/explain/explanations.hpp"
#include "scheduler/explain/infeasibility.hpp"
#include "scheduler/explain/keep_previous.hpp"
#include "scheduler/policies/other_answers.hpp"
#include "scheduler/search/batch_choice.hpp"
#include "scheduler/search/device_subset.hpp"
#include "scheduler/search/local_search.hpp"
#include "scheduler/search/memory_headroom.hpp"
#include "scheduler/search/relaxation_search.hpp"
#include "scheduler/search/throughput_search.hpp"
#include "scheduler/timing/evaluate.hpp"

namespace headroom::scheduler {
namespace {

/// The most evaluated layers of a thorough search; one takes about 0.2 µs with five devices. The
/// descents from initial placements may use a tenth of them.
constexpr std::int64_t kMaxEvaluations = 120'000;
constexpr std::int64_t kDescentShare = 10; ///< percent
/// All limits are divided by this if devices have egress or ingress caps: D_mig then follows from a
/// simulation of all moves, which is about fifty times slower.
constexpr std::int64_t kCappedDivisor = 30;
constexpr int kMaxFailedKicks = 24;     ///< perturbations in a row without improvement
constexpr std::size_t kMaxDevices = 32; ///< larger fleets are reduced to a subset of this size
constexpr std::size_t kDescents = 6;
constexpr std::size_t kWideDescents = 2; ///< descents of the wide search besides that from the best
// Sizes of a problem, in devices × layers. Up to kSmallSize a decision is the thorough search.
// Above, it begins with the brief search. Up to kWideSize the search by relaxation follows or, for
// problems without a relaxation, the wide search. The limits of these two are those of small
// problems up to kMediumSize and then inversely proportional to the size.
constexpr std::int64_t kSmallSize = 20;
constexpr std::int64_t kMediumSize = 160;
constexpr std::int64_t kWideSize = 256;
constexpr std::int64_t kMaxWideEvaluations = 30'000; ///< of the wide search, at kMediumSize
/// The most operations (exact::Limits) of the search by relaxation.
constexpr std::int64_t kMaxOperations = 12'000'000;
/// The most evaluated layers of a brief search, so that a decision for 25 devices and 32 layers
/// takes a few milliseconds. The lower limit is for granularity `sliced` and cost profile `paper`,
/// in which an evaluation takes half as long again.
constexpr std::int64_t kMaxBriefEvaluations = 6'000;
constexpr std::int64_t kMaxSlowBriefEvaluations = 4'000;
constexpr std::int64_t kMaxDescent = 1'000; ///< of the descent from the best other answer
constexpr int kBudgets = 6;                 ///< migration budgets that climb_from tries
/// Percent of the limit of a brief search for the better and for the worse of the previous
/// placement and the plan. The rest is for the best placement found.
constexpr std::int64_t kBetterShare = 50;
constexpr std::int64_t kWorseShare = 20;
/// Percent of the limit of a thorough search for climb_from.
constexpr std::int64_t kClimbShare = 5;

struct Start {
    Placement placement;
    Score score;
};

bool better_start(const Start& a, const Start& b) {
    return std::tie(a.score.shortage, a.score.objective) <
           std::tie(b.score.shortage, b.score.objective);
}

/// Returns the largest D_mig that climb_from may treat as free. A placement with the inference
/// delay of `plan` and a larger D_mig would be worse than the best placement.
Nanoseconds max_migration_budget(const Search& search, const Score& plan) {
    const Int128 budget = search.best() ? search.best()->objective - plan.objective + plan.migration
                                        : Int128{plan.migration};
    return static_cast<Nanoseconds>(std::clamp<Int128>(budget, 0, kStall));
}

std::vector<Start> scored(Search& search, std::vector<Placement> placements) {
    std::vector<Start> starts;
    for (Placement& placement : placements) {
        const Score score = search.offer(placement);
        starts.push_back({std::move(placement), score});
    }
    return starts;
}

/// Searches from the previous placement, from a plan that chooses one layer after the other, and
/// then from the best placement found. Each of the three has a share of the limit.
void search_briefly(const Problem& problem, const StepDelay& step, Search& search) {
    const std::int64_t limit = search.limit();
    std::vector<Start> starts = scored(search, few_initial_placements(problem, step));
    if (!problem.previous ||
        step.uses_paper_formulas()) { // the paper's D_mig is a sum: no budget helps
        std::stable_sort(starts.begin(), starts.end(), better_start);
        for (const Start& start : starts) {
            search.descend_from(start.placement);
        }
        return;
    }
    const auto climb = [&](std::int64_t percent) {
        search.allow(search.evaluations() + limit * percent / 100);
        search.climb_from(
            starts.front().placement, max_migration_budget(search, starts[1].score), kBudgets
        );
    };
    const auto descend = [&](std::int64_t percent) {
        search.allow(search.evaluations() + limit * percent / 100);
        std::stable_sort(starts.begin() + 1, starts.end(), better_start);
        search.descend_from(starts[1].placement);
    };
    if (better_start(starts[1], starts[0])) {
        descend(kBetterShare);
        climb(kWorseShare);
    } else {
        climb(kBetterShare);
        descend(kWorseShare);
    }
    search.allow(limit);
    if (search.best()) {
        search.descend_from(Placement(search.best()->placement));
    }
}

/// Descends from the best initial placements, then searches by relaxation. If that does not prove
/// that the best placement is optimal, perturbs it.
void search_thoroughly(
    const Problem& problem, const StepDelay& step, Search& search, std::int64_t share
) {
    const std::int64_t limit = search.limit();
    std::vector<Start> starts = scored(search, initial_placements(problem, step));
    // The previous placement and the plan without memory limits come first, whatever their scores.
    const std::size_t fixed = std::min<std::size_t>(problem.previous ? 2 : 1, starts.size());
    std::stable_sort(
        starts.begin() + static_cast<std::ptrdiff_t>(fixed), starts.end(), better_start
    );
    if (problem.previous && !step.uses_paper_formulas() && starts.size() > 1) {
        search.allow(search.evaluations() + limit * kClimbShare / 100);
        search.climb_from(
            starts.front().placement, max_migration_budget(search, starts[1].score), kBudgets
        );
        search.allow(limit);
        if (search.best()) {
            search.descend_from(Placement(search.best()->placement));
        }
    }
    for (std::size_t i = 0; i < std::min(starts.size(), kDescents); ++i) {
        if (search.evaluations() < limit * kDescentShare / 100) {
            search.descend_from(starts[i].placement);
        }
    }
    if (!exact::covers(problem) ||
        !search_by_relaxation(problem, step, search, {kMaxOperations, share})) {
        search.kick(starts.front().placement, kMaxFailedKicks);
    }
}

/// Tries all moves, from the best placement so far and from the best initial placements, and then
/// perturbs the best placement. The previous placement is used again only if it lacks memory.
void search_widely(
    const Problem& problem, const StepDelay& step, Search& search, std::int64_t more
) {
    const std::int64_t before = search.evaluations();
    const Placement best = search.best()->placement;
    search.widen();
    search.allow(before + more);
    std::vector<Start> starts = scored(search, initial_placements(problem, step));
    const bool lacking = problem.previous && starts.front().score.shortage > 0;
    if (problem.previous && !lacking) {
        starts.erase(starts.begin());
    }
    // A previous placement that lacks memory comes first, whatever its score.
    std::stable_sort(starts.begin() + (lacking ? 1 : 0), starts.end(), better_start);
    search.descend_from(best);
    for (std::size_t i = 0; i < std::min(starts.size(), kWideDescents); ++i) {
        search.allow(before + more * static_cast<std::int64_t>(i + 2) / 4);
        search.descend_from(starts[i].placement);
    }
    search.allow(before + more);
    search.kick(best, kMaxFailedKicks);
}

/// Records the placements and descends from the best one.
void search_from(const std::vector<Placement>& placements, Search& search, std::int64_t more) {
    const std::int64_t limit = search.limit();
    std::vector<Start> starts = scored(search, placements);
    std::stable_sort(starts.begin(), starts.end(), better_start);
    search.allow(search.evaluations() + more);
    if (!starts.empty()) {
        search.descend_from(starts.front().placement);
    }
    search.allow(limit);
}

/// `others` are further placements to start from.
Search search(const Problem& problem, const StepDelay& step, const std::vector<Placement>& others) {
    const bool walks =
        !step.uses_paper_formulas() && problem.previous && has_caps(problem.snapshot);
    const std::int64_t share = walks ? kCappedDivisor : 1;
    const std::int64_t size =
        static_cast<std::int64_t>(step.devices()) * problem.blocks->shape().layers;
    if (size <= kSmallSize) {
        Search search(problem, step, kMaxEvaluations / share);
        search_from(others, search, kMaxDescent / share);
        search_thoroughly(problem, step, search, share);
        return search;
    }
    const bool is_slow = step.sliced() || step.uses_paper_formulas();
    const std::int64_t brief = (is_slow ? kMaxSlowBriefEvaluations : kMaxBriefEvaluations) / share;
    Search search(problem, step, brief, Search::Extent::brief);
    search_briefly(problem, step, search);
    search_from(others, search, kMaxDescent / share);
    if (size > kWideSize || !search.best()) {
        return search;
    }
    search.widen();
    const std::int64_t divisor = std::max(size, kMediumSize) * share;
    if (!exact::covers(problem)) {
        search_widely(problem, step, search, kMaxWideEvaluations * kMediumSize / divisor);
    } else if (!search_by_relaxation(
                   problem, step, search, {kMaxOperations * kMediumSize / divisor, share}
               )) {
        search.allow(search.evaluations() + kMaxBriefEvaluations / share);
        search.descend_from(Placement(search.best()->placement));
    }
    return search;
}

/// Returns the best placement found, with the device ids of the whole problem; empty if none fits.
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

std::optional<Delays> runner_up_of(const Search& found) {
    return found.runner_up() ? std::optional(found.runner_up()->delays) : std::nullopt;
}

Decision decide_step(const Problem& problem, const std::vector<Placement>& others) {
    if (is_provably_infeasible(problem)) {
        return infeasible_decision(problem, pack(problem).placement);
    }
    const Focus small = focus(problem, kMaxDevices);
    const StepDelay step(small.problem);
    std::vector<Placement> starts;
    for (const Placement& placement : others) {
        if (std::optional<Placement> narrow = small.narrow(placement)) {
            starts.push_back(std::move(*narrow));
        }
    }
    const Search found = search(small.problem, step, starts);
    const Decision old = keep_previous(problem);
    Decision decision = old;
    Placement placement = best_of(problem, small, found);
    if (!placement.empty()) {
        Decision best = evaluate(problem, std::move(placement));
        // If the objectives are equal, the previous placement is kept.
        if (!old.feasible || objective(problem, best) < objective(problem, old)) {
            decision = std::move(best);
        }
    } else if (!old.feasible) {
        return infeasible_decision(problem, pack(problem).placement);
    }
    decision.evaluations = found.evaluations();
    explain(problem, decision, old, runner_up_of(found));
    return decision;
}

/// With several sequences a placement for the step of one of them is found first.
Decision decide_by_search(const Problem& problem, const std::vector<Placement>& others) {
    if (problem.in_flight() == 1) {
        return decide_step(problem, others);
    }
    const Problem one = one_step(problem);
    Decision decision = decide_step(one, others);
    if (!problem.counts_rounds()) {
        return decision.feasible ? with_rounds(problem, std::move(decision))
                                 : infeasible_decision(problem, pack(problem).placement);
    }
    RoundDecision decided = decide_for_throughput(problem, decision, keep_previous(one).feasible);
    decision = std::move(decided.decision);
    if (!decision.feasible) {
        return infeasible_decision(problem, pack(problem).placement);
    }
    explain(problem, decision, decided.given_up.value_or(Decision()));
    return decision;
}

Decision evaluated(const Problem& problem, Placement placement) {
    return problem.in_flight() == 1 ? evaluate(problem, std::move(placement))
                                    : evaluate_batched(problem, std::move(placement));
}

/// Returns the decision to keep the previous placement, infeasible if that does not fit.
Decision keep(const Problem& problem) {
    const Decision old = keep_previous(problem);
    return old.feasible ? evaluated(problem, old.placement) : old;
}

bool is_better(const Problem& problem, const Decision& a, const Decision& b) {
    return a.feasible && (!b.feasible || objective(problem, a) < objective(problem, b));
}

/// Returns the best of the search's decision and of what the other policies would answer.
Decision decide_within(const Problem& problem) {
    const std::vector<Placement> others = other_answers(problem);
    const Decision found = decide_by_search(problem, others);
    Decision best = found;
    for (const Placement& placement : others) {
        Decision other = evaluated(problem, placement);
        if (is_better(problem, other, best)) {
            best = std::move(other);
        }
    }
    if (is_better(problem, best, found)) {
        best.evaluations = found.evaluations;
        explain(problem, best, keep(problem));
    }
    return best;
}

} // namespace

Decision decide_resource_aware(const Problem& problem) {
    Decision decision = decide_cautiously(problem, decide_within);
    // The previous placement may use the memory reserve: what fits need not move.
    Decision old = keep(problem);
    if (!old.feasible || decision.placement == old.placement) {
        return decision;
    }
    if (is_better(problem, decision, old)) {
        explain(problem, decision, old);
        return decision;
    }
    old.evaluations = decision.evaluations;
    explain(problem, old, old, delays_of(problem, decision));
    return old;
}

} // namespace headroom::scheduler
