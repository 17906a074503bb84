// `headroom inspect FILE`: what is in a trace, a model or a scenario.
#pragma once

#include "cli/command_line.hpp"

namespace headroom::cli {

[[nodiscard]] int inspect_command(const InspectCommand& command);

} // namespace headroom::cli
