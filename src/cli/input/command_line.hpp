// Reads the command line (docs/reference/command-line.md) and executes its command.
#pragma once

#include <span>

#include "cli/input/commands.hpp"

namespace headroom::cli {

/// Whether --json is among the arguments. Also works for an invalid command line, whose error can
/// then be reported as JSON.
[[nodiscard]] bool wants_json(int argc, char** argv);

/// Executes the command and returns its exit code. Prints help or the version if the command line
/// asks for it. Throws InputError if the command line is wrong.
[[nodiscard]] int run_command_line(int argc, char** argv, std::span<const Command* const> commands);

} // namespace headroom::cli
