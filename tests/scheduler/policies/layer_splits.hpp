// References for the policies that place whole layers: all placements by enumeration, and the time
// of the slowest stage. They share no code with the costs and searches of those policies.
#pragma once

#include <functional>
#include <vector>

#include "base/ids.hpp"
#include "base/units.hpp"
#include "scheduler/core/problem.hpp"

namespace headroom::scheduler::testing {

using LayerDevices = std::vector<DeviceId>; ///< the device of each layer

/// Returns the placement with all blocks of layer l on devices[l], embed and lm_head on the source.
[[nodiscard]] Placement placement_of_layers(const Problem& problem, const LayerDevices& devices);

/// Calls `visit` for every assignment of layers to devices.
void for_each_assignment(
    const Problem& problem, const std::function<void(const LayerDevices&)>& visit
);

/// Returns whether the layers of every device are consecutive.
[[nodiscard]] bool is_contiguous(const LayerDevices& devices);

/// Returns whether the devices of the layers are in the order of the ring that begins at the
/// source.
[[nodiscard]] bool follows_ring_order(const Problem& problem, const LayerDevices& devices);

/// Returns the largest time per token of a device or a hop. The source's time includes lm_head. The
/// time of a hop is that on link, egress and ingress, without latency: two messages of x between
/// two devices, one message back to the source.
[[nodiscard]] Nanoseconds slowest_stage(const Problem& problem, const LayerDevices& devices);

} // namespace headroom::scheduler::testing
