// A box whose hosts are all decided: only counts are open. If all units weigh the same, the counts
// that fit memory and the times that the box allows are the integer flows of a network
//   item → (pool, device), at most what the pool's ladder allows within its time
//        → device, at most what fits beside the hosts,
// so that the cheapest flow bounds the box (lanes left out), decides whether anything fits at all,
// and is itself a placement worth looking at.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "scheduler/exact/domain.hpp"
#include "scheduler/exact/relaxation.hpp"
#include "scheduler/exact/tables.hpp"

namespace headroom::scheduler::exact {

/// The cheapest counts of a box.
struct Flow {
    bool exists = false; ///< false: nothing in the box fits
    double bound = 0;    ///< of the box
    Draft draft;
};

[[nodiscard]] bool hosts_fixed(const Domain& domain);

/// Nothing if some hosts are open or units weigh differently.
[[nodiscard]] std::optional<Flow> cheapest_flow(const Tables& tables, const Domain& domain);

} // namespace headroom::scheduler::exact
