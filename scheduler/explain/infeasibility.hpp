// Explains infeasible decisions: which device lacks how much memory or compute.
#pragma once

#include <string>
#include <vector>

#include "scheduler/core/problem.hpp"

namespace headroom::scheduler {

/// Returns whether a quick check proves that no placement is feasible: the blocks need more memory
/// than all devices have together, or the source has no room for the blocks that must stay on it.
/// Under cost profile `paper` it also suffices that a layer needs more FLOP than all devices can do
/// within Problem::t_budget_s, or a block more than the fastest device can do.
[[nodiscard]] bool is_provably_infeasible(const Problem& problem);

/// Returns what each device lacks for this placement, by device id; empty if the placement fits.
[[nodiscard]] std::vector<AnyShortage> shortages_of(
    const Problem& problem, const Placement& placement
);

/// Explains why no placement fits, or why none was found. `attempt` is the placement with the least
/// shortage, `sought` says what was looked for, such as "placement of whole layers".
[[nodiscard]] Explanation explain_infeasible(
    const Problem& problem, const Placement& attempt, std::string sought = "placement"
);

[[nodiscard]] Decision infeasible_decision(
    const Problem& problem, const Placement& attempt, std::string sought = "placement"
);
/// Returns an infeasible decision of a policy that does not accept the problem. `note` says why.
[[nodiscard]] Decision refused_decision(std::string note);

} // namespace headroom::scheduler
