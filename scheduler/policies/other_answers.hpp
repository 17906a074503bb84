// The placements that the other policies would choose. Policy `resource_aware` compares them with
// its own, so that it is never behind another policy in the same table.
#pragma once

#include <vector>

#include "scheduler/core/problem.hpp"

namespace headroom::scheduler {

/// Returns the placements of all other policies that apply to the problem and find one, without
/// duplicates. `exact` and `static` are left out, because they start from resource_aware. With a
/// previous placement, policies that place once are left out, too: they would keep it. In problems
/// so large that the policies would take longer than the search, the result is empty.
[[nodiscard]] std::vector<Placement> other_answers(const Problem& problem);

} // namespace headroom::scheduler
