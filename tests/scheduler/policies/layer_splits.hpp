// Placements of whole layers by plain enumeration, and what a pipeline waits for by plain loops:
// what the layer-based policies are judged by. Shares nothing with their costs and searches.
#pragma once

#include <functional>
#include <vector>

#include "base/ids.hpp"
#include "base/units.hpp"
#include "scheduler/core/problem.hpp"

namespace headroom::scheduler::testing {

using LayerDevices = std::vector<DeviceId>; ///< one per layer

/// All blocks of layer l on devices[l], embed and lm_head on the source.
[[nodiscard]] Placement of_layers(const Problem& problem, const LayerDevices& devices);

/// Every assignment of layers to devices, devices to the power of layers.
void each_assignment(const Problem& problem, const std::function<void(const LayerDevices&)>& visit);

/// Whether every device has consecutive layers only.
[[nodiscard]] bool contiguous(const LayerDevices& devices);

/// Whether the devices of consecutive layers follow each other on the ring that begins at source.
[[nodiscard]] bool in_ring_order(const Problem& problem, const LayerDevices& devices);

/// The slowest of the devices' own time per token (lm_head on the source included) and of the hops'
/// time on link, egress and ingress: two messages of x between stages, one back to the source.
[[nodiscard]] Nanoseconds slowest_stage(const Problem& problem, const LayerDevices& devices);

} // namespace headroom::scheduler::testing
