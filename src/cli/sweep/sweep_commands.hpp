// The commands `headroom sweep`, which executes many runs, and `headroom collect`, which makes one
// table of them.
#pragma once

#include "cli/input/command_line.hpp"

namespace headroom::cli {

/// Lists or runs the cells of a sweep. Returns the exit code.
[[nodiscard]] int sweep_command(const SweepCommand& command);
/// Prints or writes the table of the runs in a folder. Returns the exit code. Throws InputError if
/// the folder has no runs.
[[nodiscard]] int collect_command(const CollectCommand& command);

} // namespace headroom::cli
