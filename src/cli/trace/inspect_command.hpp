// `headroom inspect`: what is in a trace, a model, a scenario or the catalogue.
#pragma once

#include "cli/input/command_line.hpp"

namespace headroom::cli {

[[nodiscard]] int inspect_command(const InspectCommand& command);

// By what the file is; each prints a text, or JSON with --json, and returns the exit code.

[[nodiscard]] int inspect_trace(const InspectCommand& command);
/// Also of models that cannot be run: the facts, then why not.
[[nodiscard]] int inspect_model(const InspectCommand& command);
[[nodiscard]] int inspect_scenario(const InspectCommand& command);
/// The catalogue that was built into the program.
[[nodiscard]] int inspect_devices(bool json);

} // namespace headroom::cli
