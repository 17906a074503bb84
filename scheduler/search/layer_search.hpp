// The least D_mig + steps·D_inf over all assignments of whole layers to devices that fit: what
// policy dynamic_layer decides. Starting points (staying, the best chain, the programme over layers
// with moves charged layer by layer) and descents over stretches of layers give an answer; a branch
// and bound over layers in order then improves it, and proves it where the counted nodes suffice,
// as they do for a few layers and devices.
#pragma once

#include <cstdint>
#include <optional>

#include "scheduler/core/problem.hpp"
#include "scheduler/cost/incumbent.hpp"
#include "scheduler/cost/layer_costs.hpp"
#include "scheduler/cost/layer_migration_cost.hpp"

namespace headroom::scheduler {

struct LayerAnswer {
    std::optional<LayerAssignment> best; ///< none: nothing was found that fits
    /// The best one met that would move something, if there was a previous placement.
    std::optional<LayerAssignment> runner_up;
    Int128 objective = 0;  ///< of best; with caps LayerMoves' bound in it
    bool proven = false;   ///< nothing is better, or nothing fits
    std::int64_t work = 0; ///< assignments evaluated and nodes visited
};

[[nodiscard]] LayerAnswer search_layers(const Problem& problem, const LayerCosts& costs);

} // namespace headroom::scheduler
