// `headroom simulate`: predicts a run in virtual time without weights, for one policy or several.
#pragma once

#include "cli/input/command_line.hpp"

namespace headroom::cli {

/// Executes the command and prints the results. Returns 0 if the simulation of at least one policy
/// was completed, else the exit code of the first one; if interrupted, the code of the interrupt.
[[nodiscard]] int simulate_command(const SimulateCommand& command);

} // namespace headroom::cli
