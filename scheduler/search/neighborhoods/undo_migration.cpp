// Moves blocks back to their previous devices: each alone, or in exchange for another unit of its
// stage that has moved, too. Even if the objective stays the same, fewer bytes migrate then.
#include <cstdint>

#include "scheduler/search/neighborhood.hpp"
#include "scheduler/search/neighborhoods/stage.hpp"

namespace headroom::scheduler {
namespace {

bool has_moved(const SearchState& state, BlockId b) {
    return state.ledger().where(b) != state.incumbent().moves().previous_device(b);
}

/// Tries to bring the unit back to its previous device, and a unit from there to where it was.
bool exchange_back(SearchState& state, BlockId block) {
    const BlockName& name = state.blocks().name(block);
    const Unit unit = name.kind == BlockKind::group ? Unit::group : Unit::slice;
    const DeviceId here = state.ledger().where(block);
    const DeviceId home = state.incumbent().moves().previous_device(block);
    for (std::int32_t i = 0; i < count_of(state.blocks(), unit); ++i) {
        const BlockId other =
            unit_of(state.blocks(), unit, static_cast<std::size_t>(name.layer), i);
        if (state.ledger().where(other) == home && has_moved(state, other) &&
            state.consider({{block, home}, {other, here}})) {
            return true;
        }
    }
    return false;
}

} // namespace

bool undo_migration(SearchState& state) {
    bool improved = false;
    const std::size_t blocks = state.incumbent().placement().size();
    for (std::size_t i = 0;
         i < blocks && state.incumbent().moves().moved() > 0 && !state.exhausted();
         ++i) {
        const BlockId block(i);
        if (!has_moved(state, block)) {
            continue;
        }
        const BlockKind kind = state.blocks().name(block).kind;
        const bool is_unit = kind == BlockKind::group || kind == BlockKind::slice;
        improved |= state.consider({{block, state.incumbent().moves().previous_device(block)}}) ||
                    (is_unit && exchange_back(state, block));
    }
    return improved;
}

} // namespace headroom::scheduler
