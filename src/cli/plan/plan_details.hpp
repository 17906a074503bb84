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

/// Returns for how long device d holds a token back: the time on the critical path of its
/// computations and of messages from it. Precondition: plan.share.
[[nodiscard]] Nanoseconds time_held_back(const runtime::PolicyPlan& plan, std::size_t d);

} // namespace headroom::cli
