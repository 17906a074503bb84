// The details of one policy's plan: how each device spends the time of a decode step, and how full
// its memory is.
#pragma once

#include <string>

#include "cli/plan/plan_text.hpp"
#include "runtime/offline/planning.hpp"
#include "scheduler/core/fleet.hpp"

namespace headroom::cli {

/// Returns a table with a row per device, followed by the critical path. Without view.full it
/// leaves out devices without blocks and, if more than 16 remain, shows those that compute longest.
/// explained: whether to add a text that explains the columns.
[[nodiscard]] std::string device_details(
    const runtime::PolicyPlan& plan,
    const scheduler::Fleet& fleet,
    const PlanView& view,
    bool explained
);

/// Returns the device of a computation, "laptop", or the link of a message, "laptop -> phone".
[[nodiscard]] std::string location_of(
    const runtime::CriticalPart& part, const scheduler::Fleet& fleet
);

} // namespace headroom::cli
