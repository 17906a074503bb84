// Placements in which the layers follow each other through the devices in one direction: where a
// search for the shortest round begins.
#pragma once

#include <vector>

#include "base/ids.hpp"
#include "scheduler/core/problem.hpp"

namespace headroom::scheduler {

/// Who may be on the ring, in its order: the source, the devices behind it, then those before it.
[[nodiscard]] std::vector<DeviceId> ring_order(const Problem& problem);

/// In a few orders of devices: first that of policy `ring`, then the fastest devices first, then
/// each time the nearest device. Feasible, without repetitions; none where no such split fits.
struct Pipelines {
    std::vector<Placement> layers; ///< whole ones, the shortest slowest stage
    /// Cut anywhere between two blocks, every device with about as much to compute as the slowest.
    std::vector<Placement> blocks;
};
[[nodiscard]] Pipelines pipelines_of(const Problem& problem);

} // namespace headroom::scheduler
