#include "scheduler/policies/exact.hpp"

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "scheduler/cost/step_cost.hpp"
#include "scheduler/exact/branch_and_bound.hpp"
#include "scheduler/explain/explanations.hpp"
#include "scheduler/explain/infeasibility.hpp"
#include "scheduler/explain/keep_previous.hpp"
#include "scheduler/policies/resource_aware.hpp"
#include "scheduler/rates/profile.hpp"
#include "scheduler/search/batch_choice.hpp"
#include "scheduler/search/memory_headroom.hpp"
#include "scheduler/search/throughput_search.hpp"
#include "scheduler/timing/evaluate.hpp"

namespace headroom::scheduler {
namespace {

/// In the tables of the search (exact/tables.hpp) a time of kStall or more counts as never. This is
/// the smallest objective of such a placement, in seconds.
constexpr double kStalled = static_cast<double>(kStall) / kNsPerSecond;

/// Returns whether every time of kStall or more really is infinite, because at no rate above 0 the
/// largest amount of work takes that long, and no latency and overhead does.
bool stalls_are_for_ever(const Problem& problem) {
    const Blocks& blocks = *problem.blocks;
    std::int64_t work = 0;
    const std::int64_t rows = std::max(problem.rows, problem.horizon());
    for (std::size_t b = 0; b < blocks.size(); ++b) {
        const BlockId id(b);
        work = std::max(work, blocks.flops(id, problem.horizon() - 1, 1));
        work = std::max(work, blocks.touched_bytes(id, problem.horizon() - 1, 1));
        work = std::max(work, blocks.matrix_bytes(id) + blocks.norm_bytes(id));
        work += blocks.cache_row_bytes(id, CacheRows{rows, rows});
    }
    work += 4 * blocks.shape().width * blocks.groups();
    const auto sound = [&](PerSecond rate) { return rate == 0 || finish(rate, 0, work) < kStall; };
    const Snapshot& s = problem.snapshot;
    const auto ends = static_cast<Nanoseconds>(2 * s.size() * s.size()); // of a phase, at most
    return s.all_links([&](const Snapshot::Link& l) {
        return sound(l.bandwidth) && l.latency < kStall;
    }) &&
           std::ranges::all_of(
               s.media,
               [&](PerSecond capacity) {
                   return capacity == 0 || finish(capacity, 0, work) < kStall / ends;
               }
           ) &&
           std::ranges::all_of(s.devices, [&](const Snapshot::Device& d) {
               return sound(d.compute) && sound(d.memory_bandwidth) && sound(d.storage_bandwidth) &&
                      sound(d.egress) && sound(d.ingress) && d.operation_overhead < kStall &&
                      d.message_overhead < kStall &&
                      std::ranges::all_of(d.rates, [&](const TypeRates<PerSecond>& rates) {
                          return sound(rates.compute) && sound(rates.memory_bandwidth);
                      });
           });
}

/// Returns the decision if the search has found no placement that finishes a token. Either no
/// feasible placement finishes one, or no placement is feasible. `search_complete` states whether
/// the search ended before the node limit.
Decision decide_without_finite(
    const Problem& problem, const StepDelay& step, Decision start, bool search_complete
) {
    const Decision old = keep_previous(problem);
    if (old.feasible) {
        start = old;
    }
    bool complete = true;
    if (!start.feasible) {
        const exact::Tables tables(problem, step, exact::Aim::feasibility);
        const exact::Found any =
            exact::BranchAndBound(tables, std::nullopt).run({.nodes = problem.node_limit});
        start.evaluations += any.nodes;
        complete = any.complete;
        if (any.placement) {
            const std::int64_t nodes = start.evaluations;
            start = evaluate(problem, *any.placement);
            start.evaluations = nodes;
        }
    }
    const bool stalls = problem.cost_profile == CostProfile::physical && start.feasible;
    const bool sure = search_complete && (!stalls || stalls_are_for_ever(problem));
    start.proven = sure && (start.feasible || complete);
    start.bound = start.proven      ? std::numeric_limits<double>::infinity()
                  : search_complete ? kStalled
                                    : 0;
    if (start.feasible) {
        start.why.cause = Cause::never_ends;
    } else if (!start.proven) {
        start.why.notes.push_back(fmt::format("not found within {} nodes", problem.node_limit));
    }
    return start;
}

/// Returns how far from the optimum the decision can be.
std::string gap_note(const Problem& problem, const Decision& decision) {
    if (decision.proven) {
        return "proven: nothing that fits is better";
    }
    const double best = objective(problem, decision);
    const double gap = best > 0 ? 100 * (best - *decision.bound) / best : 0;
    return fmt::format("nothing that fits is better by more than {:.2f} %", gap);
}

/// Decides for several sequences by one sequence's step: the bounds do not cover how turns delay
/// each other.
Decision decide_for_several(const Problem& problem) {
    Decision decision = decide_exact(one_step(problem));
    if (!decision.feasible) {
        return decision;
    }
    decision = with_rounds(problem, std::move(decision));
    if (problem.counts_rounds()) {
        decision.bound = 0;
        decision.proven = false;
        decision.why.notes = {fmt::format(
            "the least latency of one sequence; nothing is proven of a round of {}",
            problem.in_flight()
        )};
    }
    return decision;
}

} // namespace

Decision decide_exact(const Problem& problem) {
    if (problem.in_flight() > 1) {
        return decide_for_several(problem);
    }
    Decision start = decide_resource_aware(careless(problem));
    start.evaluations = 0;
    if (!exact::covers(problem)) {
        start.bound = 0;
        return start;
    }
    if (!start.feasible && is_provably_infeasible(problem)) {
        start.bound = std::numeric_limits<double>::infinity();
        start.proven = true;
        return start;
    }
    const StepDelay step(problem);
    const exact::Tables tables(problem, step, exact::Aim::objective);
    exact::BranchAndBound search(
        tables, start.feasible ? std::optional<Decision>(start) : std::nullopt
    );
    const exact::Found found = search.run({.nodes = problem.node_limit});
    if (!found.placement) {
        start.evaluations = found.nodes;
        return decide_without_finite(problem, step, std::move(start), found.complete);
    }
    Decision decision = evaluate(problem, *found.placement);
    const double value = objective(problem, decision);
    const bool stalls = problem.cost_profile == CostProfile::physical && value > kStalled;
    decision.proven = found.complete && (!stalls || stalls_are_for_ever(problem));
    decision.bound = std::min(value, found.bound / kNsPerSecond);
    if (stalls && !decision.proven) {
        decision.bound = std::min(kStalled, *decision.bound);
    }
    decision.evaluations = found.nodes;
    explain(problem, decision);
    decision.why.notes.push_back(gap_note(problem, decision));
    return decision;
}

} // namespace headroom::scheduler
