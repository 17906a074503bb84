#include "scheduler/policies/resource_aware.hpp"

#include <optional>
#include <utility>
#include <vector>

#include "scheduler/construct/packing.hpp"
#include "scheduler/construct/paper_placer.hpp"
#include "scheduler/cost/block_cost.hpp"
#include "scheduler/explain/explanations.hpp"
#include "scheduler/explain/infeasibility.hpp"
#include "scheduler/explain/keep_previous.hpp"
#include "scheduler/policies/other_answers.hpp"
#include "scheduler/search/batch_choice.hpp"
#include "scheduler/search/device_subset.hpp"
#include "scheduler/search/local_search.hpp"
#include "scheduler/search/memory_headroom.hpp"
#include "scheduler/search/settings.hpp"
#include "scheduler/search/step_search.hpp"
#include "scheduler/search/throughput_search.hpp"
#include "scheduler/timing/evaluate.hpp"

namespace headroom::scheduler {
namespace {

/// Returns the best placement found, with the device ids of the whole problem; empty if none fits.
Placement best_of(const Problem& problem, const Focus& small, const LocalSearch& found) {
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

std::optional<Delays> runner_up_of(const LocalSearch& found) {
    return found.runner_up() ? std::optional(found.runner_up()->delays) : std::nullopt;
}

Decision evaluated(const Problem& problem, Placement placement) {
    return problem.in_flight() == 1 ? evaluate(problem, std::move(placement))
                                    : evaluate_batched(problem, std::move(placement));
}

bool is_better(const Problem& problem, const Decision& a, const Decision& b) {
    return a.feasible && (!b.feasible || objective(problem, a) < objective(problem, b));
}

/// One decision of the policy.
class AwareDecision {
  public:
    explicit AwareDecision(const SearchObserver* observer) : observer_(observer) {}

    Decision decide(const Problem& problem) {
        Decision decision = decide_cautiously(problem, [this](const Problem& within) {
            return decide_within(within);
        });
        // The previous placement may use the memory reserve: what fits need not move.
        if (problem.previous && decision.placement == *problem.previous) {
            return decision;
        }
        Decision old = keep(problem);
        if (!old.feasible) {
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

  private:
    /// Returns the decision to keep the previous placement, infeasible if that does not fit.
    Decision keep(const Problem& problem) {
        if (!can_keep_previous(problem)) {
            return {};
        }
        if (!kept_) {
            kept_ = evaluated(problem, *problem.previous);
        }
        return *kept_;
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

    /// With several sequences a placement for the step of one of them is found first.
    Decision decide_by_search(const Problem& problem, const std::vector<Placement>& others) {
        if (problem.in_flight() == 1) {
            return decide_step(problem, others, keep(problem));
        }
        const Problem one = one_step(problem);
        const Decision old = keep_previous(one);
        Decision decision = decide_step(one, others, old);
        if (!problem.counts_rounds()) {
            return decision.feasible ? with_rounds(problem, std::move(decision))
                                     : infeasible_decision(problem, pack(problem).placement);
        }
        RoundDecision decided = decide_for_throughput(problem, decision, old.feasible, observer_);
        decision = std::move(decided.decision);
        if (!decision.feasible) {
            return infeasible_decision(problem, pack(problem).placement);
        }
        explain(problem, decision, decided.given_up.value_or(Decision()));
        kept_ = kept_ ? std::move(kept_) : std::move(decided.given_up);
        return decision;
    }

    /// `old` is the decision to keep the previous placement.
    Decision decide_step(
        const Problem& problem, const std::vector<Placement>& others, const Decision& old
    ) {
        if (is_provably_infeasible(problem)) {
            return infeasible_decision(problem, pack(problem).placement);
        }
        const Focus small = focus(problem, kMaxSearchedDevices);
        std::vector<Placement> starts;
        for (const Placement& placement : others) {
            if (std::optional<Placement> narrow = small.narrow(placement)) {
                starts.push_back(std::move(*narrow));
            }
        }
        StepSearch search(small.problem, observer_);
        search.run(starts);
        const LocalSearch& found = search.result();
        Decision decision = old;
        Placement placement = best_of(problem, small, found);
        if (!placement.empty()) {
            Decision best = evaluate(problem, std::move(placement));
            // If the objectives are equal, the previous placement is kept.
            if (is_better(problem, best, old)) {
                decision = std::move(best);
            }
        } else if (!old.feasible) {
            return infeasible_decision(problem, pack(problem).placement);
        }
        decision.evaluations = found.evaluations();
        explain(problem, decision, old, runner_up_of(found));
        return decision;
    }

    const SearchObserver* observer_;
    /// The decision to keep the previous placement, once it has been evaluated. Its times are the
    /// same however much memory may be used.
    std::optional<Decision> kept_;
};

} // namespace

Decision decide_resource_aware(const Problem& problem, const SearchObserver* observer) {
    return AwareDecision(observer).decide(problem);
}

Decision decide_resource_aware(const Problem& problem) {
    return decide_resource_aware(problem, nullptr);
}

} // namespace headroom::scheduler
