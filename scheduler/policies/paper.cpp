#include "scheduler/policies/paper.hpp"

#include <optional>
#include <utility>

#include <fmt/format.h>

#include "scheduler/construct/paper_placer.hpp"
#include "scheduler/explain/explanations.hpp"
#include "scheduler/explain/infeasibility.hpp"
#include "scheduler/explain/keep_previous.hpp"
#include "scheduler/timing/evaluate.hpp"

namespace headroom::scheduler {
namespace {

Decision nothing_new(const Problem& problem, const PaperPlacing& placing, Decision old) {
    old.why = explain_infeasible(problem, placing.placement);
    if (old.why.cause == Cause::none_found) {
        old.why.notes.push_back(fmt::format(
            "{} finds no room after {} evictions",
            to_string(problem.blocks->name(*placing.stuck)),
            placing.evictions
        ));
    }
    old.why.outcome = old.feasible ? Outcome::kept : Outcome::infeasible;
    return old;
}

} // namespace

Decision decide_paper(const Problem& problem) {
    if (problem.blocks->sliced()) {
        return refused_decision(
            "policy paper places heads, proj and ffn: it needs controller.granularity = \"paper\""
        );
    }
    PaperPlacing placing = place_by_score(problem);
    const Decision old = keep_previous(problem);
    Decision decision;
    if (placing.stuck) {
        decision = nothing_new(problem, placing, old);
    } else {
        decision = evaluate(problem, std::move(placing.placement));
        std::optional<Delays> rejected;
        if (old.feasible && objective(problem, old) <= objective(problem, decision)) {
            rejected = delays_of(problem, decision);
            decision = old;
        }
        explain(problem, decision, old, rejected);
    }
    decision.evaluations = placing.evaluations;
    return decision;
}

} // namespace headroom::scheduler
