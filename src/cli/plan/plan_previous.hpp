// Finds the placement from which `headroom plan --previous FROM` starts, and the number of tokens
// that the run has sampled when the planned decision is made.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "cli/plan/plan_command.hpp"
#include "config/scenario/scenario.hpp"
#include "runtime/offline/planning_previous.hpp"
#include "runtime/setup/workload_description.hpp"

namespace headroom::cli {

struct PlanStart {
    std::int64_t at = 0;                                ///< tokens sampled before the decision
    std::optional<runtime::PreviousPlacement> previous; ///< nothing without --previous
};

/// Without --previous, or if FROM is a policy, --at is 0 by default. If FROM is a policy, the
/// previous placement is that policy's first one. If FROM is a trace, it is the placement in force
/// after --at tokens, by default at the end of the trace. If FROM is a plan in JSON, which must
/// contain only one placement, it is that placement. --at is then by default the --at of that plan
/// plus its interval, the number of tokens from one decision to the next. Throws InputError if FROM
/// is none of these or is of another fleet or model, InfeasibleError if the policy finds no
/// placement.
[[nodiscard]] PlanStart plan_start(
    const PlanCommand& command,
    const config::Scenario& scenario,
    const runtime::WorkloadDescription& workload
);

/// Throws InputError, beginning with the option, if the policy is `given` and the scenario gives no
/// placement.
void check_given(
    const config::Scenario& scenario, scheduler::PolicyKind policy, std::string_view option
);

} // namespace headroom::cli
