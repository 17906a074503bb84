// Explains feasible decisions. All delays are by the formulas of the problem's cost profile.
#pragma once

#include <optional>

#include "scheduler/core/problem.hpp"

namespace headroom::scheduler {

/// Returns D_mig (the time to migrate) and the predicted time of one sequence's step. If
/// problem.counts_rounds() is true, the second time is that of a round (one step of every sequence)
/// plus a share of the time of pending prompts (round_with_prompt_share() in timing/evaluate.hpp).
[[nodiscard]] Delays delays_of(const Problem& problem, const Decision& decision);

void explain_first(const Problem& problem, Decision& decision);
/// Explains a first placement, why the previous placement is kept, or why blocks move. `old` is the
/// decision to keep the previous placement, infeasible if that placement does not fit. `rejected`
/// is used only if the previous placement is kept. It has the delays of the best other placement
/// that the search evaluated; it is empty if there is none.
void explain(
    const Problem& problem,
    Decision& decision,
    const Decision& old,
    const std::optional<Delays>& rejected = std::nullopt
);

/// Explains the decision of a policy that has rejected no other placement.
void explain(const Problem& problem, Decision& decision);

/// Returns the stretches of consecutive layers whose ffns (or hubs) are on one device.
[[nodiscard]] LayerSplit layer_split(const Problem& problem, const Placement& placement);

} // namespace headroom::scheduler
