// The search of policy `dynamic_layer`: the least D_mig + steps·D_inf over all assignments of whole
// layers to devices that fit. Local descents start from several assignments: the previous one, the
// best chain (shard_chain.hpp), and shortest paths over (layer, device) with and without migration.
// A branch and bound over the layers in order then improves the result. For few layers and devices
// it ends within its node limit, so that the result is proven optimal.
#pragma once

#include <cstdint>
#include <optional>

#include "scheduler/core/problem.hpp"
#include "scheduler/cost/incumbent.hpp"
#include "scheduler/cost/layer_costs.hpp"
#include "scheduler/cost/layer_migration_cost.hpp"

namespace headroom::scheduler {

struct LayerAnswer {
    std::optional<LayerAssignment> best; ///< the best one that fits, if any was found
    /// The best one found that moves blocks, if there was a previous placement.
    std::optional<LayerAssignment> runner_up;
    Int128 objective = 0;  ///< objective of best; with caps it contains a lower bound of D_mig
    bool proven = false;   ///< whether no assignment is better, or none fits
    std::int64_t work = 0; ///< assignments evaluated and nodes visited
};

[[nodiscard]] LayerAnswer search_layers(const Problem& problem, const LayerCosts& costs);

} // namespace headroom::scheduler
