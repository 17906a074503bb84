// Pipelines: placements in which consecutive devices have consecutive parts of the model. The
// search for the shortest round starts from them.
#pragma once

#include <vector>

#include "base/ids.hpp"
#include "scheduler/core/problem.hpp"

namespace headroom::scheduler {

/// Returns the devices of layer_hosts() by increasing id from the source's on, then the lower ids.
[[nodiscard]] std::vector<DeviceId> ring_order(const Problem& problem);

/// Feasible pipelines without duplicates, for three orders of devices: that of policy `ring`, the
/// fastest first, and always the nearest next. Orders without a feasible split are left out.
struct Pipelines {
    std::vector<Placement> layers; ///< whole layers; the slowest stage is as short as possible
    /// Cut between any two blocks, so that every device computes about as long as the slowest.
    std::vector<Placement> blocks;
};
[[nodiscard]] Pipelines pipelines_of(const Problem& problem);

} // namespace headroom::scheduler
