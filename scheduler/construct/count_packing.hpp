// Packs blocks into the memory of devices by counting. Blocks have few distinct sizes (those of a
// group, of proj, of ffn), so whether all fit depends only on how many blocks of each size every
// device takes. The search tries these numbers, and gives up after 400,000 steps.
#pragma once

#include "scheduler/core/problem.hpp"

namespace headroom::scheduler {

/// Returns a placement within the memory of every device, or an empty one if there is none or the
/// search gave up. The blocks of one size that a device gets come from many layers, because cost
/// profile `paper` limits the compute of a device per layer. The result may still exceed that
/// limit.
[[nodiscard]] Placement pack_by_counts(const Problem& problem);

} // namespace headroom::scheduler
