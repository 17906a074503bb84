// What neighbourhoods ask about the units of one kind in a layer of the incumbent. They work in
// parallel and send their outputs to one device, so they are called a stage of the layer.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "scheduler/construct/chain_planner.hpp"
#include "scheduler/core/units.hpp"
#include "scheduler/search/search_state.hpp"

namespace headroom::scheduler {

[[nodiscard]] inline BlockId proj_of(const SearchState& state, std::size_t layer) {
    return reduction_block_of(state.blocks(), layer);
}
[[nodiscard]] inline BlockId ffn_of(const SearchState& state, std::size_t layer) {
    return activation_block_of(state.blocks(), layer);
}

/// Returns where the units of the stage receive their input and send their outputs.
[[nodiscard]] inline Gathering gathering_of(
    const SearchState& state, Unit unit, std::size_t layer
) {
    const Incumbent& incumbent = state.incumbent();
    const std::size_t target = incumbent.proj(layer);
    return {layer, unit == Unit::group ? incumbent.activation_device(layer) : target, target, unit};
}

/// Returns whether a block of a layer fits on d beside the blocks there.
[[nodiscard]] inline bool fits(
    const SearchState& state, BlockId b, std::size_t layer, std::size_t d
) {
    const Ledger& ledger = state.ledger();
    return ledger.left(static_cast<std::int32_t>(layer), DeviceId(d)).times(ledger.need(b), 1) == 1;
}

/// Returns the part of D_inf after a layer if its x is on device d: the next layer, or the end.
[[nodiscard]] inline Nanoseconds time_after(
    const SearchState& state, std::size_t layer, std::size_t d
) {
    const Incumbent& incumbent = state.incumbent();
    return layer + 1 < state.layers() ? state.step().layer(layer + 1, d, incumbent.shape(layer + 1))
                                      : state.step().finish(d, incumbent.lm_head());
}

/// Adds the unit to the list unless that has one with the same previous device. Moving such a unit
/// costs the same.
inline void add_unlike(const SearchState& state, BlockId id, std::vector<BlockId>& units) {
    const Moves& moves = state.incumbent().moves();
    const bool known = std::ranges::any_of(units, [&](BlockId other) {
        return moves.previous_device(other) == moves.previous_device(id);
    });
    if (!known) {
        units.push_back(id);
    }
}

/// Lists one unit of the stage on device d for each previous device.
inline void list_units(
    const SearchState& state,
    Unit unit,
    std::size_t layer,
    std::size_t d,
    std::vector<BlockId>& units
) {
    units.clear();
    const Placement& placement = state.incumbent().placement();
    std::int32_t left = state.incumbent().units_on(unit, layer, d);
    for (std::size_t i = unit_of(state.blocks(), unit, layer, 0).index(); left > 0; ++i) {
        if (placement[i].index() == d) {
            --left;
            add_unlike(state, BlockId(i), units);
        }
    }
}

} // namespace headroom::scheduler
