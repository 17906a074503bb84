// Chooses which units of a stage go where, if each device may have only a certain number of them.
#pragma once

#include <cstdint>
#include <vector>

#include "scheduler/construct/chain_planner.hpp"
#include "scheduler/search/search_state.hpp"

namespace headroom::scheduler {

/// Returns changes after which each device d has at most max_units[d] units of the stage. Units are
/// on their previous device if that is possible, and otherwise where moving them costs least. Under
/// cost profile `paper` a unit also leaves its previous device if its outputs cost more from there.
/// Precondition: the limits admit all units.
[[nodiscard]] std::vector<Relocation> regroup(
    SearchState& state, const Gathering& gathering, std::vector<std::int32_t> max_units
);

} // namespace headroom::scheduler
