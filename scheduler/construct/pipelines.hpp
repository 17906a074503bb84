// Pipelines: placements in which consecutive devices have consecutive parts of the model. The
// search for the shortest round (one turn of every sequence) starts from pipelines.
#pragma once

#include <vector>

#include "base/ids.hpp"
#include "scheduler/core/problem.hpp"

namespace headroom::scheduler {

/// Returns the devices of layer_hosts() (cost/layer_costs.hpp) in ring order: the source, where
/// prompts come in, then the devices with higher ids, then those with lower ids.
[[nodiscard]] std::vector<DeviceId> ring_order(const Problem& problem);

/// Feasible pipelines without duplicates, for up to three orders of devices that begin with the
/// source: ring order, the fastest first, and after each device the nearest of the rest.
struct Pipelines {
    std::vector<Placement> layers; ///< whole layers; the slowest stage is as short as possible
    /// split between any two blocks; the busiest device computes for about the least possible time
    std::vector<Placement> blocks;
};
[[nodiscard]] Pipelines pipelines_of(const Problem& problem);

} // namespace headroom::scheduler
