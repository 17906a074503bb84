// Pipelines: placements in which consecutive devices have consecutive parts of the model. The
// search for the shortest round (one turn of every sequence) starts from pipelines.
#pragma once

#include <vector>

#include "base/ids.hpp"
#include "scheduler/core/problem.hpp"

namespace headroom::scheduler {

/// Returns the devices of layer_hosts() in ring order: the source, then the higher ids, then the
/// lower ids.
[[nodiscard]] std::vector<DeviceId> ring_order(const Problem& problem);

/// Feasible pipelines without duplicates, for three orders of devices: that of policy `ring`, the
/// fastest first, and after each device the nearest. Orders without a feasible split are left out.
struct Pipelines {
    std::vector<Placement> layers; ///< whole layers; the slowest stage is as short as possible
    /// consecutive blocks per device, such that all devices compute for about the same time
    std::vector<Placement> blocks;
};
[[nodiscard]] Pipelines pipelines_of(const Problem& problem);

} // namespace headroom::scheduler
