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

/// Returns whether it is proven that no placement that fits is better than the best one of
/// `search`. Precondition: exact::covers(problem).
bool search_by_relaxation(const Problem& problem, const StepDelay& step, LocalSearch& search);

} // namespace headroom::scheduler
