// How a failure is reported: as lines on stderr and, with --json, also as one object on stdout.
#pragma once

#include <exception>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "cli/terminal/console.hpp"

namespace headroom::cli {

/// Prints `text` with print_error(). With `json`, also prints {"exit_code": N, "error": [lines]} on
/// stdout. Returns the exit code as a number.
int report_failure(const Terminal& terminal, ExitCode code, const std::string& text, bool json);

/// Reports an exception that was caught, with its exit_code_for() and message_for().
int report_failure(const Terminal& terminal, const std::exception& error, bool json);

/// Returns the code of a headroom::Error, `bug` for a std::logic_error, and `environment` for every
/// other exception (memory, the file system).
[[nodiscard]] ExitCode exit_code_for(const std::exception& error);
/// Returns the message for the user. The message of a bug asks the user to report it.
[[nodiscard]] std::string message_for(const std::exception& error);

/// Splits a text into its lines and removes their indentation.
[[nodiscard]] std::vector<std::string> lines_of(const std::string& text);

} // namespace headroom::cli
