// The answer that is always at hand: nothing moves.
#pragma once

#include "scheduler/core/problem.hpp"

namespace headroom::scheduler {

/// What keeping the previous placement gives, without a reason; infeasible if there is none or it
/// no longer fits.
[[nodiscard]] Decision keep_previous(const Problem& problem);

/// For policies that decide once: the previous placement as long as it fits, then infeasible.
/// Precondition: there is a previous placement.
[[nodiscard]] Decision keep_for_good(const Problem& problem);

} // namespace headroom::scheduler
