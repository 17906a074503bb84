// Plans of whole layers beside the other layers of the incumbent.
#pragma once

#include <cstddef>
#include <vector>

#include "scheduler/construct/layer_plan.hpp"
#include "scheduler/search/search_state.hpp"

namespace headroom::scheduler {

/// Returns the fastest plan of a layer within `room`, considering what its hosts mean for the next
/// layer and for the migration. Its time is kNever if nothing fits.
[[nodiscard]] LayerPlan plan_layer(SearchState& state, LayerRoom& room);

/// Returns the changes that realise these counts in a layer.
[[nodiscard]] std::vector<Relocation> changes_to(
    SearchState& state, std::size_t layer, const LayerCounts& counts
);

} // namespace headroom::scheduler
