#include "scheduler/explain/keep_previous.hpp"

#include "base/check.hpp"
#include "scheduler/cost/block_cost.hpp"
#include "scheduler/cost/memory_ledger.hpp"
#include "scheduler/explain/infeasibility.hpp"
#include "scheduler/timing/evaluate.hpp"

namespace headroom::scheduler {

bool can_keep_previous(const Problem& problem) {
    if (!problem.previous || Ledger(problem, *problem.previous).shortage() > 0) {
        return false;
    }
    Placement settled = *problem.previous;
    settle_ends(problem, settled);
    return settled == *problem.previous; // otherwise a pinned block is not on the source
}

Decision keep_previous(const Problem& problem) {
    return can_keep_previous(problem) ? evaluate(problem, *problem.previous) : Decision();
}

Decision keep_first_placement(const Problem& problem) {
    HEADROOM_CHECK(problem.previous.has_value(), "nothing to keep");
    Decision decision = keep_previous(problem);
    if (!decision.feasible) {
        decision.why = explain_infeasible(problem, *problem.previous);
    }
    decision.why.outcome = decision.feasible ? Outcome::kept : Outcome::infeasible;
    decision.why.cause = Cause::policy_is_static;
    return decision;
}

} // namespace headroom::scheduler
