// A limited run of the branch and bound of policy `exact`. It finds improvements that a local
// search misses if few large blocks fill few devices, because several blocks must move at once.
#pragma once

#include <cstdint>
#include <optional>

#include "scheduler/core/problem.hpp"
#include "scheduler/cost/step_cost.hpp"

namespace headroom::scheduler {

struct Refined {
    std::optional<Placement> placement; ///< fits and is better than `best`, if one was found
    bool complete = false;              ///< no better placement exists
    std::int64_t work = 0;              ///< relaxations solved
};

/// Searches for a placement that is better than `best`, which is an evaluated decision that fits,
/// or nothing. `limit` is the number of relaxations. Precondition: at most 32 devices, and no ring
/// all-reduce.
[[nodiscard]] Refined refine(
    const Problem& problem,
    const StepDelay& step,
    const std::optional<Decision>& best,
    std::int64_t limit
);

} // namespace headroom::scheduler
