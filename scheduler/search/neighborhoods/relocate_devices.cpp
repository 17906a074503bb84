// Moves all blocks of a device to another one, or exchanges the blocks of two devices.
#include <utility>
#include <vector>

#include "scheduler/search/neighborhood.hpp"
#include "scheduler/search/search_state.hpp"

namespace headroom::scheduler {

bool relocate_devices(SearchState& state) {
    bool improved = false;
    for (std::size_t a = 0; a < state.devices(); ++a) {
        for (std::size_t b = 0; b < state.devices() && !state.exhausted(); ++b) {
            std::vector<Relocation> over;
            std::vector<Relocation> exchange;
            const Placement& placement = state.incumbent().placement();
            for (std::size_t i = 0; i < placement.size() && a != b; ++i) {
                if (placement[i].index() == a) {
                    over.push_back({BlockId(i), DeviceId(b)});
                    exchange.push_back(over.back());
                } else if (placement[i].index() == b) {
                    exchange.push_back({BlockId(i), DeviceId(a)});
                }
            }
            if (over.empty()) {
                continue;
            }
            // The lists refer to the present placement, so only one of them may be applied.
            improved |= state.consider(over) ||
                        (a < b && exchange.size() > over.size() && state.consider(exchange));
        }
    }
    return improved;
}

} // namespace headroom::scheduler
