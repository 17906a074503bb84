// `headroom plan`: one decision per policy, side by side, before anything runs.
#pragma once

#include "cli/input/command_line.hpp"

namespace headroom::cli {

/// Returns 0 if at least one policy finds a placement, else 6.
[[nodiscard]] int plan_command(const PlanCommand& command);

} // namespace headroom::cli
