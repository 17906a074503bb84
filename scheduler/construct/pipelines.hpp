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

/// Feasible pipelines without duplicates, for up to three orders of devices. Each order begins with
/// the source. The first is ring order. The second has the faster devices before the slower ones.
/// In the third, each device is followed by the one of the remaining devices to which a hop is
/// shortest.
struct Pipelines {
    std::vector<Placement> layers; ///< whole layers; the slowest stage is as short as possible
    /// pipelines that are split between any two blocks; the computing time of the busiest device
    /// exceeds the least possible one by at most a few tenths of a percent
    std::vector<Placement> blocks;
};
[[nodiscard]] Pipelines pipelines_of(const Problem& problem);

} // namespace headroom::scheduler
