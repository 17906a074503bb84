// Exchanges units whose migration uses the slowest link with other units of their stages. Counts
// and D_inf do not change, but the migration uses other links.
#include <algorithm>
#include <utility>
#include <vector>

#include "scheduler/search/neighborhood.hpp"
#include "scheduler/search/neighborhoods/stage.hpp"

namespace headroom::scheduler {
namespace {

/// Tries one exchange for each pair of device and previous device.
bool exchange_unit(SearchState& state, Unit unit, std::size_t layer, BlockId block) {
    const DeviceId here = state.ledger().where(block);
    std::vector<std::pair<DeviceId, DeviceId>> tried;
    for (std::int32_t i = 0; i < count_of(state.blocks(), unit) && !state.exhausted(); ++i) {
        const BlockId other = unit_of(state.blocks(), unit, layer, i);
        const DeviceId there = state.ledger().where(other);
        const std::pair way(there, state.incumbent().moves().previous_device(other));
        if (there == here || std::ranges::find(tried, way) != tried.end()) {
            continue;
        }
        tried.push_back(way);
        if (state.consider({{block, there}, {other, here}})) {
            return true;
        }
    }
    return false;
}

} // namespace

bool exchange_units(SearchState& state) {
    if (state.incumbent().moves().moved() == 0) {
        return false;
    }
    const MoveDelay::Link slowest = state.incumbent().moves().slowest();
    bool improved = false;
    for (std::size_t l = 0; l < state.layers() && slowest.from.valid(); ++l) {
        for (const Unit unit : units_of(state.blocks())) {
            for (std::int32_t i = 0; i < count_of(state.blocks(), unit); ++i) {
                const BlockId id = unit_of(state.blocks(), unit, l, i);
                if (state.ledger().where(id) == slowest.to &&
                    state.incumbent().moves().previous_device(id) == slowest.from) {
                    improved |= exchange_unit(state, unit, l, id);
                    break; // the others of this layer cost the same
                }
            }
        }
    }
    return improved;
}

} // namespace headroom::scheduler
