// Options of the plain programs here: "--name value" pairs and "--flag"s.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace headroom::bench {

/// What the user got wrong, one sentence.
class BadArgument : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

class Arguments {
  public:
    /// names take a value, flags take none. Throws BadArgument at an unknown word or a missing
    /// value.
    Arguments(
        int argc,
        char** argv,
        const std::vector<std::string_view>& names,
        const std::vector<std::string_view>& flags
    );

    [[nodiscard]] bool has(std::string_view name) const;
    /// The value of --name, or `otherwise`.
    [[nodiscard]] std::string_view text(std::string_view name, std::string_view otherwise) const;
    /// The same as a whole number of at least `least`; throws BadArgument if it is none.
    [[nodiscard]] std::int64_t number(
        std::string_view name, std::int64_t otherwise, std::int64_t least = 0
    ) const;

  private:
    std::vector<std::pair<std::string_view, std::string_view>> given_;
};

/// A whole number that is the whole text; throws BadArgument that names `what`.
[[nodiscard]] std::int64_t whole_number(std::string_view what, std::string_view text);
/// The same for a decimal number.
[[nodiscard]] double decimal_number(std::string_view what, std::string_view text);
/// The parts between separators; of "": none.
[[nodiscard]] std::vector<std::string_view> parts_of(std::string_view text, char separator);

/// main of a program: 2 and the usage on a BadArgument, 4 on any other exception, 0 and the usage
/// for --help.
int run_program(
    int argc, char** argv, std::string_view usage, int (*program)(int argc, char** argv)
);

} // namespace headroom::bench
