#include "scheduler/policies/paper.hpp"

#include <utility>

#include <fmt/format.h>

#include "scheduler/construct/paper_placer.hpp"
#include "scheduler/explain/explanations.hpp"
#include "scheduler/explain/infeasibility.hpp"
#include "scheduler/explain/keep_previous.hpp"
#include "scheduler/timing/evaluate.hpp"

namespace headroom::scheduler {
namespace {

std::string stuck_reason(const Problem& problem, const PaperPlacing& placing) {
    return fmt::format(
        "no placement found: {} finds no room after {} evictions, and {}",
        to_string(problem.blocks->name(*placing.stuck)),
        placing.evictions,
        shortages_text(problem, placing.placement)
    );
}

Decision nothing_new(const Problem& problem, const PaperPlacing& placing, Decision old) {
    const std::string reason = is_provably_infeasible(problem)
                                   ? infeasibility_reason(problem, placing.placement)
                                   : stuck_reason(problem, placing);
    old.reason = old.feasible ? fmt::format("kept: {}", reason) : reason;
    return old;
}

} // namespace

Decision Paper::decide(const Problem& problem) const {
    if (problem.blocks->sliced()) {
        Decision none;
        none.reason = "policy paper places heads, proj and ffn: it needs controller.granularity = "
                      "\"paper\"";
        return none;
    }
    PaperPlacing placing = place_by_score(problem);
    const Decision old = keep_previous(problem);
    Decision decision;
    if (placing.stuck) {
        decision = nothing_new(problem, placing, old);
    } else {
        decision = evaluate(problem, std::move(placing.placement), "");
        if (!problem.previous) {
            decision.reason = reason_first(problem, decision);
        } else if (old.feasible && objective(problem, old) <= objective(problem, decision)) {
            const Alternative other = alternative_of(problem, decision);
            decision = old;
            decision.reason = reason_kept(problem, old, other);
        } else {
            decision.reason = reason_moved(problem, decision, old);
        }
    }
    decision.evaluations = placing.evaluations;
    return decision;
}

} // namespace headroom::scheduler
