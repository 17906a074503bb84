// The command `headroom plan`: it shows one decision of each policy side by side and runs nothing.
#pragma once

#include "cli/input/command_line.hpp"

namespace headroom::cli {

/// Prints the plan. Returns 0 if at least one policy finds a placement, else 6.
[[nodiscard]] int plan_command(const PlanCommand& command);

} // namespace headroom::cli
