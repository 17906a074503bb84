// How a failure is told: lines for people on stderr and, with --json, one object on stdout.
#pragma once

#include <exception>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "cli/terminal/console.hpp"

namespace headroom::cli {

/// `text` as print_error() shows it; with `json` also {"exit_code", "error": [lines]} on stdout.
/// Returns the exit code. Never throws: there is nobody left to tell.
int report_failure(const Terminal& terminal, ExitCode code, const std::string& text, bool json);

/// The same for whatever was caught.
int report_failure(const Terminal& terminal, const std::exception& error, bool json);

/// An Error's own code, a bug for logic errors, else the environment: memory, the file system.
[[nodiscard]] ExitCode code_of(const std::exception& error);
/// What to tell of it: bugs ask to be reported.
[[nodiscard]] std::string text_of(const std::exception& error);

/// The lines of an error's text, without the indentation that hints have.
[[nodiscard]] std::vector<std::string> lines_of(const std::string& text);

} // namespace headroom::cli
