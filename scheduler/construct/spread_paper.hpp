// Chooses how many groups (K/V heads with their query heads) of a layer each device takes, such
// that D_T, the time of a decode step by the formula of arXiv 2505.02533, is least.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "scheduler/cost/step_cost.hpp"

namespace headroom::scheduler {

/// Returns the numbers n_j of groups on devices j, with c FLOP per group and C_j FLOP/s, that
/// minimise the compute time max_j n_j·c/C_j + the Σ (or, by PaperGather, max) over j ≠ proj of the
/// time to send the outputs of n_j groups to `proj`. The result is optimal up to the rounding of
/// times: every possible compute time is tried as a limit for all devices, and within this limit
/// the groups go where their transfer costs least. `max_units` limits the groups per device; if the
/// limits add up to less than n, the result is empty. The work is at most (devices · n)². In fleets
/// of more than 64 devices only the 64 nearest to `proj` are considered, or more if these cannot
/// hold 2·n groups.
[[nodiscard]] std::vector<std::int32_t> spread_by_formula(
    const StepDelay& step,
    std::size_t layer,
    std::size_t proj,
    const std::vector<std::int32_t>& max_units,
    std::int32_t n
);

} // namespace headroom::scheduler
