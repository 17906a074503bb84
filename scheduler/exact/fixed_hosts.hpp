// Boxes (sets of placements) whose hosts (devices of proj, ffn or hub) are fixed: only counts are
// open. Items, pools and ladders: tables.hpp. If all units have the same bytes, the counts that fit
// in memory and in the time intervals of the box are the integer flows of a network
//   item → (pool, device), at most the units that the pool's ladder allows within its time
//        → device, at most the units that fit beside the hosts.
// The cost of the cheapest flow is a bound of the box (lanes are ignored). If there is no flow, no
// placement in the box fits. The cheapest flow also is a candidate placement.
#pragma once

#include <optional>

#include "scheduler/exact/domain.hpp"
#include "scheduler/exact/relaxation.hpp"
#include "scheduler/exact/tables.hpp"

namespace headroom::scheduler::exact {

struct Flow {
    bool exists = false; ///< if not, no placement in the box fits
    double bound = 0;    ///< lower bound of the box
    Draft draft;
};

/// Returns the cheapest flow, or nothing if some hosts are open or units have different bytes.
[[nodiscard]] std::optional<Flow> cheapest_flow(const Tables& tables, const Domain& domain);

} // namespace headroom::scheduler::exact
