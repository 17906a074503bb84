// Policy `galaxy` is tensor parallelism over all devices. Every layer has the same split: each
// device d gets a number of groups and slices in proportion to its speed V_d, the inverse of the
// time that all layers take on it alone. Numbers are rounded by largest remainder. The share that
// does not fit on a device goes to devices with free memory in proportion to their V_d; this is
// repeated. Groups are distributed first and slices get the remaining memory; if that does not fit,
// the order is reversed. A previous placement is kept. The policy needs granularity `sliced`, and
// its all-reduce is Reduce::ring. Source: arXiv 2405.17245 as recorded in
// docs/explanation/baselines.md#galaxy.
//
// Chosen here: the hubs are on the source, and so are embed and lm_head; if the source has no room
// for one of these two, it is on the fastest device with room.
#pragma once

#include <cstdint>
#include <vector>

#include "scheduler/core/problem.hpp"

namespace headroom::scheduler {

[[nodiscard]] Decision decide_galaxy(const Problem& problem);

/// Distributes `total` units over devices in proportion to `speeds` and returns the number for each
/// device. Numbers are rounded by largest remainder, in ties in favour of the lower device. A
/// device gets at most its limit; the rest is distributed again among devices below their limits.
/// The sum is less than `total` if the sum of the limits is. Precondition: every speed is above 0.
[[nodiscard]] std::vector<std::int64_t> proportional_shares(
    std::int64_t total, const std::vector<double>& speeds, const std::vector<std::int64_t>& limits
);

} // namespace headroom::scheduler
