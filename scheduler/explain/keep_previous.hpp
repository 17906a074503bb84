// Decisions that keep the previous placement.
#pragma once

#include "scheduler/core/problem.hpp"

namespace headroom::scheduler {

/// Returns whether there is a previous placement and it is still feasible.
[[nodiscard]] bool can_keep_previous(const Problem& problem);

/// Returns the decision to keep the previous placement, without an explanation. The decision is
/// infeasible if there is no previous placement or if that placement is not feasible any more.
[[nodiscard]] Decision keep_previous(const Problem& problem);

/// Returns the same decision with an explanation, for policies that choose a placement once and
/// then keep this placement. Precondition: there is a previous placement.
[[nodiscard]] Decision keep_first_placement(const Problem& problem);

} // namespace headroom::scheduler
