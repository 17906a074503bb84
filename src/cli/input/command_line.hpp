// Reads the command line and executes its command. Source: docs/reference/command-line.md.
#pragma once

#include <span>

#include "cli/input/commands.hpp"

namespace headroom::cli {

/// Whether --json is among the arguments. Works for every command line, so that an error in the
/// command line can be reported as JSON, too.
[[nodiscard]] bool wants_json(int argc, char** argv);

/// Executes the command of the command line and returns its exit code. Prints help or the version
/// if the command line asks for them. Throws InputError if the command line is wrong.
[[nodiscard]] int run_command_line(int argc, char** argv, std::span<const Command* const> commands);

} // namespace headroom::cli
