// Three policies without a search, for comparisons.
#pragma once

#include "scheduler/core/problem.hpp"

namespace headroom::scheduler {

/// Policy `greedy` puts each block, in canonical order (core/blocks.hpp), on the device with the
/// lowest id that has room for the block at context T + λ, that of the next decision. It ignores
/// the previous placement and the speed of devices.
[[nodiscard]] Decision decide_greedy(const Problem& problem);

/// Policy `round_robin` puts block i on device i mod N, or on the next device that has room for the
/// block at T + λ. It ignores the previous placement and the speed of devices.
[[nodiscard]] Decision decide_round_robin(const Problem& problem);

/// Policy `static` keeps the first placement of resource_aware. If that placement no longer fits,
/// the decisions are infeasible. A comparison with this policy shows what migration is worth.
[[nodiscard]] Decision decide_static_first(const Problem& problem);

} // namespace headroom::scheduler
