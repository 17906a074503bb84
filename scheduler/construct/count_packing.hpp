// Packs blocks into the memory of devices by counting. Blocks have few distinct sizes (those of a
// group, of proj, of ffn), so whether all fit depends only on how many blocks of each size every
// device takes. In small fleets the search is complete; in larger ones its steps are limited.
#pragma once

#include "scheduler/core/problem.hpp"

namespace headroom::scheduler {

/// Returns a placement within the memory of every device, or an empty one if there is none or the
/// search stopped early. Equal blocks on a device are taken from different layers, because compute
/// is limited per layer; the result may still exceed that limit.
[[nodiscard]] Placement pack_by_counts(const Problem& problem);

} // namespace headroom::scheduler
