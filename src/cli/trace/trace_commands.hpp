// The commands `headroom replay` and `headroom export`, which read a trace.
#pragma once

#include "cli/input/command_line.hpp"

namespace headroom::cli {

/// Replays a trace and prints the differences, or computes its counterfactuals under other
/// policies. Returns the exit code.
[[nodiscard]] int replay_command(const ReplayCommand& command);
/// Writes the trace as a Perfetto file, as CSV files, or both. Returns the exit code.
[[nodiscard]] int export_command(const ExportCommand& command);

} // namespace headroom::cli
