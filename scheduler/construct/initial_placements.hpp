// The placements from which policy `resource_aware` starts its search. These are, in this order:
// the previous placement; the fastest placement without memory limits; a placement that is planned
// layer by layer within memory; a placement that fills one device after the other with whole
// layers; the placements of `greedy`, `round_robin` and (unless layers are sliced) `paper`; for
// each of the 8 fastest devices the placement of all blocks on it; the placement of pack()
// (packing.hpp).
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
/// layer. If the planned one does not fit, the placement of pack() follows.
[[nodiscard]] std::vector<Placement> few_initial_placements(
    const Problem& problem, const StepDelay& step
);

} // namespace headroom::scheduler
