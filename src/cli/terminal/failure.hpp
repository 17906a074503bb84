// How a failure is reported: as lines on stderr and, with --json, also as one object on stdout.
#pragma once

#include <exception>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "base/error.hpp"
#include "cli/terminal/console.hpp"

namespace headroom::cli {

/// Prints `text` with print_error(). With `json`, also prints one object on stdout: error_json()
/// with the key "exit_code" added. Returns the exit code as a number.
int report_failure(
    ExitCode code, const std::string& text, bool json, const ErrorFields& fields = {}
);

/// Returns {"error": [lines], "error_facts": {"device": "phone", …}} for --json, without
/// "error_facts" if `fields` is empty.
[[nodiscard]] nlohmann::json error_json(const std::string& text, const ErrorFields& fields);

/// Reports an exception that was caught, with its exit_code_for() and message_for(). With `json`,
/// also prints the fields of an Error as "error_facts" and the problems of an InputError as
/// "problems", each with "where" and "text".
int report_failure(const std::exception& error, bool json);

/// Returns the code of a headroom::Error, `bug` for a std::logic_error, and `environment` for every
/// other exception (from a lack of memory, or from the file system).
[[nodiscard]] ExitCode exit_code_for(const std::exception& error);
/// Returns the message for the user. The message of a bug asks the user to report it.
[[nodiscard]] std::string message_for(const std::exception& error);

/// Splits a text into its lines and removes their indentation.
[[nodiscard]] std::vector<std::string> lines_of(const std::string& text);

} // namespace headroom::cli
