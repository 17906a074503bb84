// Explains feasible decisions. Delays are predicted under the cost profile of the problem.
#pragma once

#include <optional>

#include "scheduler/core/problem.hpp"

namespace headroom::scheduler {

/// Returns the predicted delays of a decision: D_mig, and the time of a round (one turn of every
/// sequence) with objective `throughput`, otherwise the time of one sequence's step.
[[nodiscard]] Delays delays_of(const Problem& problem, const Decision& decision);

void explain_first(const Problem& problem, Decision& decision);
/// Explains a first placement, why the previous placement is kept, or why blocks move. `old` is the
/// decision to keep the previous placement; it is infeasible if that placement does not fit.
/// `rejected` is the best other placement that the search evaluated, if there is one.
void explain(
    const Problem& problem,
    Decision& decision,
    const Decision& old,
    const std::optional<Delays>& rejected = std::nullopt
);

/// The same for a policy that rejected no other placement and did not evaluate the previous one.
void explain(const Problem& problem, Decision& decision);

/// Returns the runs of consecutive layers that are on the same device.
[[nodiscard]] LayerSplit layer_split(const Problem& problem, const Placement& placement);

} // namespace headroom::scheduler
