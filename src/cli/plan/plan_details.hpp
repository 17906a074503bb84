// The details of one policy's plan: how each device spends the time of a decode step, and how full
// its memory is.
#pragma once

#include <string>

#include "cli/plan/plan_text.hpp"
#include "runtime/offline/planning.hpp"
#include "scheduler/core/fleet.hpp"

namespace headroom::cli {

/// Returns a table with a row per device, followed by the critical path (the chain of computations
/// and messages that determines the time of a step). Without `view.full` the table leaves out
/// devices that do nothing and, if more than 16 remain, shows the 16 that are busy longest.
/// `explained` adds a text about the columns.
[[nodiscard]] std::string device_details(
    const runtime::PolicyPlan& plan,
    const scheduler::Fleet& fleet,
    const PlanView& view,
    bool explained
);

/// Returns for how long device d delays a token: the time that it is busy and that its sent
/// messages take on the critical path. Precondition: a step ends, so that `plan.share` (where the
/// time of a step goes) has a value.
[[nodiscard]] Nanoseconds time_held_back(const runtime::PolicyPlan& plan, std::size_t d);

} // namespace headroom::cli
