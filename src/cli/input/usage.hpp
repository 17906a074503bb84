// Messages about wrong command lines. Each message says what was expected and what was found and,
// if possible, which word was probably meant.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace headroom::cli {

/// Throws InputError with the problem and a hint to the --help of the command.
[[noreturn]] void throw_usage_error(const std::string& command, const std::string& problem);

/// Returns the policies of a comma-separated list, or all policies for "all". Throws InputError if
/// a policy is unknown or listed twice.
[[nodiscard]] std::vector<std::string> policy_list(
    const std::string& command, const std::string& text
);

[[nodiscard]] std::string all_policies();

/// Returns a hint such as "; did you mean 'run'?"; empty if no candidate is similar.
[[nodiscard]] std::string did_you_mean(
    std::string_view word, std::span<const std::string> candidates
);

/// Returns the message for a command line whose first word is not a command. If the word is the
/// name of a file, the message suggests commands for this file.
[[nodiscard]] std::string unknown_command(
    const std::string& word, const std::vector<std::string>& commands
);

/// Returns the message for arguments that the command does not take. `options` are the options of
/// the command ("--tokens"); `positional` is the name of its positional argument ("SCENARIO").
[[nodiscard]] std::string unexpected_arguments(
    const std::vector<std::string>& arguments,
    const std::vector<std::string>& options,
    std::string_view positional
);

/// As the upper end of a range, kNoLimit means that there is no upper limit; as the lower end,
/// -kNoLimit means that there is no lower limit.
inline constexpr std::int64_t kNoLimit = std::numeric_limits<std::int64_t>::max();

struct IntegerRange {
    std::int64_t low;
    std::int64_t high;
    std::int64_t example; ///< a typical value, for messages
};

/// Returns the message for a text that is not a whole number in the range. The message is empty if
/// the text is such a number.
[[nodiscard]] std::string integer_problem(const std::string& text, const IntegerRange& range);

/// Returns the message for a text that is not one of the words; empty if it is one of them.
[[nodiscard]] std::string word_problem(
    const std::string& text, const std::vector<std::string>& words
);

} // namespace headroom::cli
