// The search of policy `dynamic_layer`. Of all assignments of whole layers to devices that fit, it
// looks for that with the least D_mig + steps·D_inf (migration, then steps). Local descents start
// from several assignments: the previous one, the best chain (shard_chain.hpp), and shortest paths
// over (layer, device) with and without migration. A branch and bound over the layers in order then
// improves the result. With few layers and devices this ends within a node limit and proves the
// result optimal.
#pragma once

#include <cstdint>
#include <optional>

#include "scheduler/core/problem.hpp"
#include "scheduler/cost/incumbent.hpp"
#include "scheduler/cost/layer_costs.hpp"
#include "scheduler/cost/layer_migration_cost.hpp"

namespace headroom::scheduler {

struct LayerAnswer {
    std::optional<LayerAssignment> best; ///< the best that fits, if any was found
    /// The best assignment found that moves blocks; empty without a previous placement.
    std::optional<LayerAssignment> runner_up;
    Int128 objective = 0;  ///< of `best`; with egress or ingress caps a lower bound
    bool proven = false;   ///< whether it is proven that none is better or none fits
    std::int64_t work = 0; ///< assignments evaluated and nodes visited
};

[[nodiscard]] LayerAnswer search_layers(const Problem& problem, const LayerCosts& costs);

} // namespace headroom::scheduler
