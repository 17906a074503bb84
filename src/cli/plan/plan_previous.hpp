// Finds the placement in force for `headroom plan --previous FROM`, and the number of tokens that
// the run has sampled when the planned decision is made.
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

/// If FROM is a policy, the previous placement is that policy's first one. If FROM is a trace, it
/// is the placement in force after --at tokens, by default at the end of the trace. If FROM is the
/// JSON of a plan, which must contain only one placement, it is this placement, and --at is by
/// default the token count at the decision after the planned one. Throws InputError if FROM is none
/// of these or is of another fleet or model, InfeasibleError if the policy finds no placement.
[[nodiscard]] PlanStart plan_start(
    const PlanCommand& command,
    const config::Scenario& scenario,
    const runtime::WorkloadDescription& workload
);

} // namespace headroom::cli
