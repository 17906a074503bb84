// Policy `galaxy` is tensor parallelism over all devices. Every layer has the same split: each
// device d gets groups (K/V heads with their query heads) and slices of the FFN in proportion to
// its speed V_d, the inverse of the time that all layers take on d alone. Numbers are rounded by
// largest remainder. What does not fit on a device is distributed over the devices that still have
// memory, in proportion to their V_d, until everything is placed. Groups are distributed first and
// slices get the remaining memory; if the slices do not fit there, slices are distributed before
// groups. The policy decides once: later decisions keep the first placement, or are infeasible if
// it no longer fits. The policy needs granularity `sliced`. The scenario chooses what adds up the
// partial sums of a layer: the hub, which is a block of the layer (this is the default), or a ring
// all-reduce as in the paper (Reduce::ring). The policy follows arXiv 2405.17245 as recorded in
// docs/explanation/baselines.md#galaxy.
//
// Chosen here: the hubs, embed and lm_head are on the source (the device where prompts come in). If
// the source has no room for embed or lm_head, that block goes to the fastest device with room.
#pragma once

#include <cstdint>
#include <vector>

#include "scheduler/core/problem.hpp"

namespace headroom::scheduler {

[[nodiscard]] Decision decide_galaxy(const Problem& problem);

/// Distributes `total` units over devices in proportion to `speeds` and returns the number for each
/// device. Numbers are rounded by largest remainder; if remainders are equal, the device with the
/// lower id comes first. A device gets at most its limit; the units above the limit are distributed
/// again among the devices that are below their limits. If the limits allow fewer than `total`
/// units, the result has fewer. Precondition: every speed is above 0.
[[nodiscard]] std::vector<std::int64_t> proportional_shares(
    std::int64_t total, const std::vector<double>& speeds, const std::vector<std::int64_t>& limits
);

} // namespace headroom::scheduler
