// The placements from which policy `resource_aware` starts its search: the previous placement, the
// fastest one without memory limits, one planned layer by layer within memory, one of whole layers,
// those of `greedy`, `round_robin` and `paper`, all blocks on one device, and a packing by size.
#pragma once

#include <vector>

#include "scheduler/core/problem.hpp"
#include "scheduler/cost/step_cost.hpp"

namespace headroom::scheduler {

/// Returns complete placements in the order above, without duplicates. They may exceed memory.
[[nodiscard]] std::vector<Placement> initial_placements(
    const Problem& problem, const StepDelay& step
);

/// Returns fewer placements, for large problems: the previous one and the one planned layer by
/// layer. If the planned one does not fit, a packing by size follows.
[[nodiscard]] std::vector<Placement> few_initial_placements(
    const Problem& problem, const StepDelay& step
);

} // namespace headroom::scheduler
