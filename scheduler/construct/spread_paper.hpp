// Chooses how many groups (K/V heads with their query heads) of a layer each device takes, such
// that D_T, the time of a decode step by the formula of arXiv 2505.02533, is least.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "scheduler/cost/step_cost.hpp"

namespace headroom::scheduler {

/// Returns the number n_j of groups on each device j. These numbers minimise the compute time plus
/// the transfer time. If a group needs c FLOP and device j does C_j FLOP/s, the compute time is
/// max_j n_j·c/C_j. The transfer time is the sum, over all devices j except `proj`, of the time to
/// send the outputs of n_j groups from j to `proj`. With PaperGather::max it is the longest of
/// these times instead. The result is optimal up to the rounding of times: every possible compute
/// time is tried as a limit for all devices, and within this limit the groups go where their
/// transfer costs least. `max_units` limits the groups per device; if the limits add up to less
/// than n, the result is empty. The search takes at most about (devices · n)² steps. In fleets of
/// more than 64 devices only the 64 devices are considered that send a group's outputs to `proj` in
/// the least time. If these have room for less than 2·n groups, more devices are added until they
/// do, so that the search has a choice.
[[nodiscard]] std::vector<std::int32_t> spread_by_formula(
    const StepDelay& step,
    std::size_t layer,
    std::size_t proj,
    const std::vector<std::int32_t>& max_units,
    std::int32_t n
);

} // namespace headroom::scheduler
