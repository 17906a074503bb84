// What is done with traces afterwards, and with many runs.
#pragma once

#include "cli/command_line.hpp"

namespace headroom::cli {

[[nodiscard]] int replay_command(const ReplayCommand& command);
[[nodiscard]] int export_command(const ExportCommand& command);
[[nodiscard]] int sweep_command(const SweepCommand& command);
[[nodiscard]] int collect_command(const CollectCommand& command);

} // namespace headroom::cli
