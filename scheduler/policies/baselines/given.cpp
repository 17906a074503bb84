#include "scheduler/policies/baselines/given.hpp"

#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "scheduler/core/validate.hpp"
#include "scheduler/explain/infeasibility.hpp"
#include "scheduler/explain/keep_previous.hpp"
#include "scheduler/timing/evaluate.hpp"

namespace headroom::scheduler {

Decision decide_given(const Problem& problem) {
    if (problem.given == nullptr) {
        return refused_decision("policy given needs controller.placement or controller.layers");
    }
    GivenBlocks given =
        place_given(*problem.given, *problem.blocks, problem.source, problem.ends_at_source);
    if (!given.problems.empty()) {
        return refused_decision(
            fmt::format("the given placement {}", fmt::join(given.problems, "; it "))
        );
    }
    if (problem.previous == given.placement) {
        return keep_first_placement(problem);
    }
    if (!validate(problem, given.placement).ok()) {
        return infeasible_decision(problem, given.placement, "room for the given placement");
    }
    return evaluate(problem, std::move(given.placement));
}

} // namespace headroom::scheduler
