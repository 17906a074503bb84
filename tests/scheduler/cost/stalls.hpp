// The tests compare times of the cost classes with times of the timeline. A search adds the finite
// time kStall for a part that never ends, the timeline returns kNever.
#pragma once

#include "scheduler/cost/step_cost.hpp"

namespace headroom::scheduler {

/// Returns the time, or kNever if a part of it is a stall.
[[nodiscard]] inline Nanoseconds stalled_is_never(Nanoseconds time) {
    return time >= kStall ? kNever : time;
}

} // namespace headroom::scheduler
