// Reads the command line (docs/reference/command-line.md) and executes its command.
#pragma once

#include <span>

#include "cli/input/commands.hpp"

namespace headroom::cli {

/// Whether --json is among the arguments. The command line need not be valid: if it is not, the
/// result says whether its error must be reported as JSON.
[[nodiscard]] bool wants_json(int argc, char** argv);

/// Executes the command and returns its exit code. Prints help or the version if the command line
/// asks for it. Throws InputError if the command line is wrong.
[[nodiscard]] int run_command_line(int argc, char** argv, std::span<const Command* const> commands);

} // namespace headroom::cli
