// Packing by counts. Blocks have few distinct sizes (groups, proj, ffn of one stored type), so
// whether all fit depends only on how many of each size every device takes. In small fleets the
// search is complete; in larger fleets its number of steps is limited.
#pragma once

#include "scheduler/core/problem.hpp"

namespace headroom::scheduler {

/// Returns a placement within the memory of every device, or an empty one if there is none or the
/// search stopped early. Equal blocks are spread over layers to respect compute constraints, which
/// the result may still violate.
[[nodiscard]] Placement pack_by_counts(const Problem& problem);

} // namespace headroom::scheduler
