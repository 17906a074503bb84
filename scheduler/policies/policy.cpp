#include "scheduler/policies/policy.hpp"

#include <utility>

#include <fmt/format.h>

#include "scheduler/core/validate.hpp"
#include "scheduler/explain/explanations.hpp"
#include "scheduler/search/batch_choice.hpp"

namespace headroom::scheduler {
namespace {

/// Returns whether blocks move, and the migration or a step after it never ends.
bool never_ends(const Problem& problem, const Decision& decision) {
    const bool ends = decision.migration != kNever && decision.inference != kNever;
    return problem.previous && decision.feasible && !ends &&
           decision.placement != *problem.previous;
}

Decision keep_instead(const Problem& problem, const Decision& decision) {
    Decision kept = evaluate_batched(problem, *problem.previous);
    kept.feasible = validate(problem, *problem.previous).ok();
    kept.evaluations = decision.evaluations;
    kept.why.outcome = kept.feasible ? Outcome::kept : Outcome::infeasible;
    kept.why.cause =
        decision.migration == kNever ? Cause::never_arrives : Cause::never_ends_elsewhere;
    return kept;
}

} // namespace

Decision decide(const Policy& policy, const Problem& problem) {
    Decision decision = policy.decide(problem);
    if (!policy.decides_batch_size()) {
        decision = batched(problem, std::move(decision));
    }
    if (never_ends(problem, decision)) {
        return keep_instead(problem, decision);
    }
    const bool explained =
        decision.why.outcome != Outcome::unexplained || decision.why.cause != Cause::unstated;
    if (decision.feasible && !explained) {
        explain(problem, decision);
    } else if (!explained) {
        decision.why.outcome = Outcome::infeasible;
        if (decision.why.notes.empty()) {
            decision.why.notes = {fmt::format("policy {} gives no reason", policy.name())};
        }
    }
    return decision;
}

} // namespace headroom::scheduler
