// Parses the command lines of the benchmark programs that do not use Google Benchmark. An option is
// "--name value" or "--flag".
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace headroom::bench {

/// The command line is invalid. The text says what is wrong.
class BadArgument : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

class Arguments {
  public:
    /// `names` are the options that take a value, `flags` those that take none, both with "--".
    /// Throws BadArgument if an argument is unknown or a value is missing.
    Arguments(
        int argc,
        char** argv,
        const std::vector<std::string_view>& names,
        const std::vector<std::string_view>& flags
    );

    [[nodiscard]] bool has(std::string_view name) const;
    /// Returns the value of the option, or the default if the option is not given.
    [[nodiscard]] std::string_view text(std::string_view name, std::string_view default_value)
        const;
    /// As text(), for integers. Throws BadArgument if the value is not an integer or is below the
    /// minimum.
    [[nodiscard]] std::int64_t number(
        std::string_view name, std::int64_t default_value, std::int64_t minimum = 0
    ) const;

  private:
    std::vector<std::pair<std::string_view, std::string_view>> values_;
};

/// Returns the integer that the text consists of. Throws BadArgument, with `what` in its text, if
/// the text is anything else.
[[nodiscard]] std::int64_t parse_integer(std::string_view what, std::string_view text);
/// As parse_integer, for decimal numbers.
[[nodiscard]] double parse_decimal(std::string_view what, std::string_view text);
/// Returns the parts of the text between separators. An empty text has no parts.
[[nodiscard]] std::vector<std::string_view> split(std::string_view text, char separator);

/// Runs the program and returns its exit code. Prints the usage and returns 0 for --help, or 2 if
/// the program throws BadArgument. Returns 4 if it throws any other exception.
int run_program(
    int argc, char** argv, std::string_view usage, int (*program)(int argc, char** argv)
);

} // namespace headroom::bench
