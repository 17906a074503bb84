// `headroom plan --previous FROM`: which placement is meant, and how far the run has come.
#pragma once

#include <cstdint>
#include <optional>

#include "cli/input/command_line.hpp"
#include "config/scenario/scenario.hpp"
#include "runtime/offline/planning_previous.hpp"
#include "runtime/setup/outline.hpp"

namespace headroom::cli {

struct PlanStart {
    std::int64_t at = 0;
    std::optional<runtime::Previous> previous;
};

/// FROM is a policy: its first choice; a trace: its placement in force at --at, by default at its
/// end; a plan with one placement: that, by default one interval later. Throws InputError: FROM is
/// none of these, or of another fleet or model; InfeasibleError: the policy has no first choice.
[[nodiscard]] PlanStart plan_start(
    const PlanCommand& command, const config::Scenario& scenario, const runtime::Outline& outline
);

} // namespace headroom::cli
