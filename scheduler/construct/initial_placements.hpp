// Where the search of resource_aware begins: the previous placement, the fastest plan without
// memory limits, the fastest one layer at a time within memory, layers in a row, what greedy,
// round_robin and paper say, everything on one device, a packing by size.
#pragma once

#include <vector>

#include "scheduler/core/problem.hpp"
#include "scheduler/cost/step_cost.hpp"

namespace headroom::scheduler {

/// Complete placements in that order, feasible or not, without repetitions.
[[nodiscard]] std::vector<Placement> starting_points(const Problem& problem, const StepDelay& step);

/// For large problems: the previous placement and the plan of layer after layer; if that does not
/// fit, what packing finds.
[[nodiscard]] std::vector<Placement> few_starting_points(
    const Problem& problem, const StepDelay& step
);

} // namespace headroom::scheduler
