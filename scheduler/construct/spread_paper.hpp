// How many groups of a layer each device should take by the paper's D_T.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "scheduler/cost/step_cost.hpp"

namespace headroom::scheduler {

/// Least max_j n_j·c/C_j + Σ (or max) over j ≠ proj of n_j groups' transfer. Optimal up to the
/// rounding of times: for every possible slowest compute, each device takes at most what it does
/// in that time, and the groups go where their transfer costs least. caps: most groups per device.
/// Empty if the caps do not hold all n. Work: at most (devices · n)². In fleets of more than 64
/// devices only the 64 nearest to proj are weighed, and more only if those hold too little.
[[nodiscard]] std::vector<std::int32_t> spread_by_formula(
    const StepDelay& step,
    std::size_t layer,
    std::size_t proj,
    const std::vector<std::int32_t>& caps,
    std::int32_t n
);

} // namespace headroom::scheduler
