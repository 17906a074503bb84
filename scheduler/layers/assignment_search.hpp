// The search of policy `dynamic_layer`. Of all assignments of whole layers to devices that fit, it
// looks for that with the least D_mig + steps·D_inf (migration, then steps). Descents
// (assignment_descent.hpp) start from shortest paths over (layer, device), with and without
// migration, from a fast chain (shard_chain.hpp), and from the previous assignment. The paths
// ignore memory, so prices per byte are raised on devices that lack memory and lowered again where
// memory is left (Lagrangian relaxation). With few layers a branch and bound follows, which takes
// the layers in order. If it ends within its limit of nodes, the result is optimal. Otherwise
// longer descents and random changes, each followed by a descent, improve the best result.
#pragma once

#include <cstdint>
#include <optional>

#include "base/int128.hpp"
#include "scheduler/core/problem.hpp"
#include "scheduler/cost/layer_costs.hpp"
#include "scheduler/cost/layer_migration_cost.hpp"

namespace headroom::scheduler {

struct AssignmentAnswer {
    std::optional<LayerAssignment> best; ///< the best that fits, if any was found
    /// The best assignment found that moves blocks; empty without a previous placement.
    std::optional<LayerAssignment> runner_up;
    Int128 objective = 0;  ///< of `best`; with egress or ingress caps a lower bound
    std::int64_t work = 0; ///< candidates looked at and nodes visited
};

[[nodiscard]] AssignmentAnswer search_assignments(const Problem& problem, const LayerCosts& costs);

} // namespace headroom::scheduler
