// Packing by counts: blocks come in few sizes (groups, proj, ffn of one stored type), so whether
// everything fits is a question of how many of each size every device takes. Small fleets are
// searched to the end; larger ones for a bounded number of steps.
#pragma once

#include "scheduler/core/problem.hpp"

namespace headroom::scheduler {

/// A placement within every device's memory, or empty: there is none, or the search stopped.
/// Compute constraints are respected as far as spreading equal blocks over layers does it.
[[nodiscard]] Placement pack_by_counts(const Problem& problem);

} // namespace headroom::scheduler
