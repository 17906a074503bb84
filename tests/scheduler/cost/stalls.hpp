// The searches' sums of delays against the timeline's.
#pragma once

#include "scheduler/cost/step_cost.hpp"

namespace headroom::scheduler {

/// A sum with a stalled part, as the timeline has it.
[[nodiscard]] inline Nanoseconds stalled_is_never(Nanoseconds time) {
    return time >= kStall ? kNever : time;
}

} // namespace headroom::scheduler
