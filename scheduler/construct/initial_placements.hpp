// The placements from which policy `resource_aware` starts its search, beside the answers of other
// policies: the previous placement, and one that is planned layer by layer within memory. If the
// planned one does not fit, the placement of pack() (packing.hpp) follows.
#pragma once

#include <vector>

#include "scheduler/core/problem.hpp"
#include "scheduler/cost/step_cost.hpp"

namespace headroom::scheduler {

/// Returns complete placements in the order above. They may exceed memory.
[[nodiscard]] std::vector<Placement> initial_placements(
    const Problem& problem, const StepDelay& step
);

} // namespace headroom::scheduler
