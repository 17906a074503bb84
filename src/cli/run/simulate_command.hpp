// `headroom simulate`: what a run would do, found out by the timeline alone; one policy or several
// side by side.
#pragma once

#include "cli/input/command_line.hpp"

namespace headroom::cli {

/// Returns 0 if at least one policy came to its end, else the first failure's exit code.
[[nodiscard]] int simulate_command(const SimulateCommand& command);

} // namespace headroom::cli
