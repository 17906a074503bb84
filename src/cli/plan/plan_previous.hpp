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

/// A policy as FROM gives its first placement. A trace gives the placement in force after --at
/// tokens, by default at its end. The JSON of a plan must contain one placement, which is returned;
/// the default of --at is then the decision that follows the plan's. Throws InputError if FROM is
/// none of these or is of another fleet or model. Throws InfeasibleError if the policy finds no
/// placement.
[[nodiscard]] PlanStart plan_start(
    const PlanCommand& command,
    const config::Scenario& scenario,
    const runtime::WorkloadDescription& workload
);

} // namespace headroom::cli
