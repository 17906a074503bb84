// Converts a draft (a placement as counts, relaxation.hpp) to a placement, and computes objectives.
#pragma once

#include "scheduler/exact/relaxation.hpp"
#include "scheduler/exact/tables.hpp"

namespace headroom::scheduler::exact {

/// Returns the draft with a box's hosts and fewest units. Precondition: hosts_fixed().
[[nodiscard]] Draft draft_of(const Domain& domain);

/// Returns the placement of a draft. Of equal blocks, lower ids go to lower devices.
[[nodiscard]] Placement placement_of(const Tables& tables, const Draft& draft);

/// Returns the objective of a decision in nanoseconds; infinite if something never ends.
[[nodiscard]] double objective_ns(const Problem& problem, const Decision& decision);

/// Returns the objective of a placement by StepDelay and the lanes, or by the published formulas.
/// This is faster than evaluate(). With egress or ingress caps the result is a lower bound.
[[nodiscard]] double quick_objective_ns(
    const Tables& tables, const Draft& draft, const Placement& placement
);

/// Finds the lane (link or storage) on which migration ends last. Returns the index of the entry of
/// draft.units that moves the most units over it, or units.size() if the lane ends by `limit`.
[[nodiscard]] std::size_t overdue(const Tables& tables, const Draft& draft, double limit);

} // namespace headroom::scheduler::exact
