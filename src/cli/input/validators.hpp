// Validators for CLI11. Their messages say what was expected; those of CLI11 do not.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "cli/input/usage.hpp"

namespace headroom::cli {

/// Accepts the whole numbers from `low` to `high`.
[[nodiscard]] inline CLI::Validator integer_in(
    std::int64_t low, std::int64_t high, std::int64_t example
) {
    return CLI::Validator(
        [=](const std::string& text) {
            return integer_problem(text, {low, high, example});
        },
        ""
    );
}

/// Accepts the given words.
[[nodiscard]] inline CLI::Validator one_word_of(const std::vector<std::string>& words) {
    return CLI::Validator([=](const std::string& text) { return word_problem(text, words); }, "");
}

} // namespace headroom::cli
