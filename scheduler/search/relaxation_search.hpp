// Improves the best placement of a search by a limited branch and bound
// (exact/branch_and_bound.hpp). Each relaxation yields a placement that is optimal if memory and
// links have certain prices, but that may need more memory than devices have. Directed moves then
// repair and improve it. This finds placements with other hosts (devices of proj, ffn or hub) in
// several layers at once, which a sequence of improving moves hardly reaches.
#pragma once

#include <cstdint>

#include "scheduler/core/problem.hpp"
#include "scheduler/cost/step_cost.hpp"
#include "scheduler/search/local_search.hpp"

namespace headroom::scheduler {

struct RelaxationEffort {
    /// The most operations of relaxations (exact::Limits). Repairs take at most half as long.
    std::int64_t operations = 0;
    /// How many times longer than usual an evaluated layer takes, because devices have caps.
    std::int64_t slowness = 1;
};

/// Returns whether it is proven that no placement that fits is better than the best one of
/// `search`. Precondition: exact::covers(problem).
bool search_by_relaxation(
    const Problem& problem, const StepDelay& step, Search& search, const RelaxationEffort& effort
);

} // namespace headroom::scheduler
