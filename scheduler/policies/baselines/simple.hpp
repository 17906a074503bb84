// Three policies without a search, for comparisons.
#pragma once

#include "scheduler/core/problem.hpp"

namespace headroom::scheduler {

/// Policy `greedy` puts each block, in canonical order (core/blocks.hpp), on the device with the
/// lowest id that has room for the block until the next decision. If no device has room for some
/// block, pack() (construct/packing.hpp) places all blocks anew. The previous placement and speeds
/// do not count.
[[nodiscard]] Decision decide_greedy(const Problem& problem);

/// Policy `round_robin` does the same, but for block i it tries device i mod N first and then the
/// following devices in cyclic order. N is the number of devices.
[[nodiscard]] Decision decide_round_robin(const Problem& problem);

/// Policy `static` keeps the first placement of resource_aware. If that placement no longer fits,
/// the decisions are infeasible. A comparison with this policy shows what migration is worth.
[[nodiscard]] Decision decide_static_first(const Problem& problem);

} // namespace headroom::scheduler
