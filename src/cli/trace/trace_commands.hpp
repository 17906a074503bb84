// What is done with traces afterwards.
#pragma once

#include "cli/input/command_line.hpp"

namespace headroom::cli {

[[nodiscard]] int replay_command(const ReplayCommand& command);
[[nodiscard]] int export_command(const ExportCommand& command);

} // namespace headroom::cli
