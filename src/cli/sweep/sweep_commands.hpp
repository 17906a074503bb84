// Many runs, and one table of them.
#pragma once

#include "cli/input/command_line.hpp"

namespace headroom::cli {

[[nodiscard]] int sweep_command(const SweepCommand& command);
[[nodiscard]] int collect_command(const CollectCommand& command);

} // namespace headroom::cli
