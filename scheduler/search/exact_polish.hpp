// What a local search misses where few large blocks fill few devices, so that several would have to
// change places at once: a bounded stretch of the branch and bound of policy `exact`.
#pragma once

#include <cstdint>
#include <optional>

#include "scheduler/core/problem.hpp"
#include "scheduler/cost/step_cost.hpp"

namespace headroom::scheduler {

struct Refined {
    std::optional<Placement> placement; ///< fits and is better than `best`; nothing: none was met
    bool complete = false;              ///< nothing better is left to look for
    std::int64_t work = 0;              ///< relaxations solved
};

/// best: a placement that fits, evaluated, or nothing; limit: relaxations. At most 32 devices,
/// sums by the hub.
[[nodiscard]] Refined refine(
    const Problem& problem,
    const StepDelay& step,
    const std::optional<Decision>& best,
    std::int64_t limit
);

} // namespace headroom::scheduler
