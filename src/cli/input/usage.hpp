// What is wrong with a command line, as a user can use it: what was typed, what was expected, which
// word was probably meant, which command shows the rest.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace headroom::cli {

/// Throws InputError with a hint at the help of the command.
[[noreturn]] void complain(const std::string& command, const std::string& problem);

/// The policies of a list with commas; all of them for "all". Throws InputError.
[[nodiscard]] std::vector<std::string> policy_list(
    const std::string& command, const std::string& text
);

/// "; did you mean 'run'?", or empty if nothing is near.
[[nodiscard]] std::string did_you_mean(
    std::string_view word, std::span<const std::string> candidates
);

/// The first word is no command: misspelt, a file without its command, or nonsense.
[[nodiscard]] std::string unknown_command(
    const std::string& word, const std::vector<std::string>& commands
);

/// What CLI11 could not place. `arguments`: what it left over; `options`: "--tokens" and so on.
[[nodiscard]] std::string unexpected_arguments(
    const std::vector<std::string>& arguments,
    const std::vector<std::string>& options,
    std::string_view positional
);

struct WholeRange {
    std::int64_t low;
    std::int64_t high; ///< the largest there is, like its negative as low: no limit worth naming
    std::int64_t example;
};

/// Empty if the text is a whole number of the range, else what was expected and found.
[[nodiscard]] std::string whole_number(const std::string& text, const WholeRange& range);

/// Empty if the text is one of the words, else what was expected and found.
[[nodiscard]] std::string known_word(
    const std::string& text, const std::vector<std::string>& words
);

} // namespace headroom::cli
