// From counts to placements, and what a placement is worth in the search's nanoseconds.
#pragma once

#include "scheduler/exact/relaxation.hpp"
#include "scheduler/exact/tables.hpp"

namespace headroom::scheduler::exact {

/// The placement of a draft; equal blocks go to devices in order of both.
[[nodiscard]] Placement placement_of(const Tables& tables, const Draft& draft);

/// The objective of a decision in nanoseconds; infinite if something never ends.
[[nodiscard]] double objective_ns(const Problem& problem, const Decision& decision);

/// The same of a placement, quickly: by StepDelay and the lanes, or the formulas. Not above the
/// true value; below it only with caps.
[[nodiscard]] double quick_objective_ns(
    const Tables& tables, const Draft& draft, const Placement& placement
);

/// Of the lane that ends last and after `limit`: the entry of draft.units with most units on it;
/// units.size() if none is late.
[[nodiscard]] std::size_t overdue(const Tables& tables, const Draft& draft, double limit);

} // namespace headroom::scheduler::exact
