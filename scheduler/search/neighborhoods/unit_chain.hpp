// A series of moves of units of one stage, each from the device that then finishes last, as long as
// they help. They are evaluated together, because that costs hardly more than evaluating one.
#pragma once

#include <cstddef>
#include <vector>

#include "scheduler/search/search_state.hpp"

namespace headroom::scheduler {

[[nodiscard]] std::vector<Relocation> unit_chain(SearchState& state, Unit unit, std::size_t layer);

} // namespace headroom::scheduler
