// Finds the previous placement of `headroom plan --previous FROM`, and the number of tokens that
// the run has sampled at the planned decision.
#pragma once

#include <cstdint>
#include <optional>

#include "cli/plan/plan_command.hpp"
#include "config/scenario/scenario.hpp"
#include "runtime/offline/planning_previous.hpp"
#include "runtime/setup/workload_description.hpp"

namespace headroom::cli {

struct PlanStart {
    std::int64_t at = 0;                                ///< number of sampled tokens
    std::optional<runtime::PreviousPlacement> previous; ///< nothing without --previous
};

/// Returns the previous placement. If FROM is a policy, it is the policy's first placement. If FROM
/// is a trace, it is the placement in force at --at, by default at the end of the trace. If FROM is
/// the JSON of a plan with one placement, it is that one, by default one interval later. Throws
/// InputError if FROM is none of these or is of another fleet or model. Throws InfeasibleError if
/// the policy finds no placement.
[[nodiscard]] PlanStart plan_start(
    const PlanCommand& command,
    const config::Scenario& scenario,
    const runtime::WorkloadDescription& workload
);

} // namespace headroom::cli
