#include "scheduler/explain/explanations.hpp"

#include <cmath>
#include <set>

#include "scheduler/explain/infeasibility.hpp"
#include "scheduler/explain/keep_previous.hpp"
#include "scheduler/timing/evaluate.hpp"

namespace headroom::scheduler {
namespace {

Nanoseconds in_nanoseconds(double seconds) {
    const double ns = seconds * static_cast<double>(kSecond);
    return ns < static_cast<double>(kNever) ? std::llround(ns) : kNever;
}

/// Returns the explanation with everything that does not depend on the cause. Notes are kept.
Explanation begin(const Problem& problem, const Decision& decision, Outcome outcome) {
    Explanation why = decision.why;
    why.outcome = outcome;
    why.per_round = problem.counts_rounds();
    why.with_prompts = problem.prompt_spread_rounds() > 0;
    why.by_formula = problem.cost_profile == CostProfile::paper;
    why.in_flight = problem.in_flight();
    why.horizon = problem.horizon();
    why.t_budget_s = problem.t_budget_s;
    why.batch = decision.batch;
    why.delays = delays_of(problem, decision);
    const std::set<DeviceId> used(decision.placement.begin(), decision.placement.end());
    why.used_devices = used.size();
    why.devices = problem.snapshot.size();
    return why;
}

/// Adds the blocks that move, by kind.
void add_moves(const Problem& problem, const Placement& placement, Explanation& why) {
    constexpr BlockKind kKinds[] = {
        BlockKind::embed,
        BlockKind::group,
        BlockKind::proj,
        BlockKind::ffn,
        BlockKind::slice,
        BlockKind::hub,
        BlockKind::lm_head};
    std::set<DeviceId> sources;
    for (const BlockKind kind : kKinds) {
        int count = 0;
        for (std::size_t b = 0; b < placement.size(); ++b) {
            const DeviceId before = (*problem.previous)[b];
            if (problem.blocks->name(BlockId(b)).kind == kind && before != placement[b]) {
                ++count;
                sources.insert(before);
            }
        }
        if (count > 0) {
            why.moved.emplace_back(kind, count);
        }
    }
    if (sources.size() == 1) {
        why.moved_from = *sources.begin();
    }
}

void explain_kept(const Problem& problem, Decision& kept, const std::optional<Delays>& rejected) {
    kept.why = begin(problem, kept, Outcome::kept);
    const Nanoseconds now = kept.why.delays.inference;
    // The objective in nanoseconds can prefer a placement that the search, which rounds, does not.
    const bool rounding =
        rejected && now != kNever && rejected->migration != kNever &&
        static_cast<double>(now - rejected->inference) * static_cast<double>(problem.steps()) >
            static_cast<double>(rejected->migration);
    if (!rejected || rejected->inference >= now || rounding) {
        kept.why.cause = Cause::nothing_faster;
        return;
    }
    kept.why.cause = now == kNever ? Cause::nothing_helps : Cause::does_not_pay;
    kept.why.other = rejected;
}

void explain_moved(const Problem& problem, Decision& decision, const Decision& old) {
    decision.why = begin(problem, decision, Outcome::moved);
    add_moves(problem, decision.placement, decision.why);
    if (old.feasible) {
        decision.why.other = delays_of(problem, old);
    } else {
        decision.why.shortages = shortages_of(problem, *problem.previous);
    }
}

} // namespace

Delays delays_of(const Problem& problem, const Decision& decision) {
    if (problem.counts_rounds()) {
        return {
            round_with_prompt_share(problem, decision.round, decision.prompts), decision.migration};
    }
    if (problem.cost_profile == CostProfile::physical) {
        return {decision.inference, decision.migration};
    }
    return {in_nanoseconds(decision.paper_delay_s), in_nanoseconds(decision.paper_migration_s)};
}

void explain_first(const Problem& problem, Decision& decision) {
    decision.why = begin(problem, decision, Outcome::first);
}

void explain(
    const Problem& problem,
    Decision& decision,
    const Decision& old,
    const std::optional<Delays>& rejected
) {
    if (!problem.previous) {
        explain_first(problem, decision);
    } else if (decision.placement == *problem.previous) {
        explain_kept(problem, decision, rejected);
    } else {
        explain_moved(problem, decision, old);
    }
}

void explain(const Problem& problem, Decision& decision) {
    const bool moves = problem.previous && decision.placement != *problem.previous;
    explain(problem, decision, moves ? keep_previous(problem) : Decision());
}

LayerSplit layer_split(const Problem& problem, const Placement& placement) {
    LayerSplit split;
    for (std::int32_t l = 0; l < problem.blocks->shape().layers; ++l) {
        const DeviceId device = placement[problem.blocks->activation_block(l).index()];
        if (split.empty() || split.back().second != device) {
            split.emplace_back(0, device);
        }
        ++split.back().first;
    }
    return split;
}

} // namespace headroom::scheduler
