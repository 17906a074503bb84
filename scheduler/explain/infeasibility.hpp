// Explains infeasible decisions: which device lacks how much memory or compute.
#pragma once

#include <string>
#include <vector>

#include "scheduler/core/problem.hpp"

namespace headroom::scheduler {

/// Returns whether a quick check proves that no placement is feasible: the blocks need more memory
/// than all devices have together, or the source has no room for the blocks that must stay on it.
/// Under cost profile `paper` the function checks compute, too: no placement is feasible if all
/// devices together cannot compute a layer within Problem::t_budget_s, or if the fastest device
/// cannot compute some block of a layer within this time.
[[nodiscard]] bool is_provably_infeasible(const Problem& problem);

/// Returns all shortages of this placement; the result is empty if the placement has none. Blocks
/// that must be on the source but are elsewhere (NotOnSource) come first. Then follows what each
/// device lacks, by increasing device id.
[[nodiscard]] std::vector<AnyShortage> shortages_of(
    const Problem& problem, const Placement& placement
);

/// Explains why no placement fits, or why none was found. The explanation lists the shortages of
/// `attempt`. `sought` says what the policy looked for, such as "placement of whole layers".
[[nodiscard]] Explanation explain_infeasible(
    const Problem& problem, const Placement& attempt, std::string sought = "placement"
);

[[nodiscard]] Decision infeasible_decision(
    const Problem& problem, const Placement& attempt, std::string sought = "placement"
);
/// Returns an infeasible decision of a policy that does not accept the problem. `note` says why.
[[nodiscard]] Decision refused_decision(std::string note);

} // namespace headroom::scheduler
