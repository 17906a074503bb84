// Where a token's time and the devices' memory go under one policy.
#pragma once

#include <string>

#include "cli/plan/plan_text.hpp"
#include "runtime/offline/planning.hpp"
#include "scheduler/core/fleet.hpp"

namespace headroom::cli {

/// A table with a row per device that holds blocks (with view.full: per device), those that compute
/// longest first if there are too many for all; and the critical path. explained: with a line that
/// says what the columns mean.
[[nodiscard]] std::string device_details(
    const runtime::PolicyPlan& plan,
    const scheduler::Fleet& fleet,
    const PlanView& view,
    bool explained
);

/// "laptop", or "laptop -> phone" of what is on the way.
[[nodiscard]] std::string place_of(
    const runtime::CriticalPart& part, const scheduler::Fleet& fleet
);

} // namespace headroom::cli
