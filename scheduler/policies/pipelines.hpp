// Placements in which the layers follow each other through the devices in one direction: where a
// search for the shortest round begins.
#pragma once

#include <vector>

#include "scheduler/problem.hpp"

namespace headroom::scheduler {

/// Whole layers, the shortest slowest stage, in a few orders of devices: first what policy `ring`
/// says, then the fastest devices first, then each time the nearest device. Feasible, without
/// repetitions; none if no such split fits.
[[nodiscard]] std::vector<Placement> layer_pipelines(const Problem& problem);

/// The same orders, cut anywhere between two blocks, every device with about as much to compute as
/// the slowest.
[[nodiscard]] std::vector<Placement> block_pipelines(const Problem& problem);

} // namespace headroom::scheduler
