// Checks for CLI11, whose own messages do not say what was expected.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "cli/input/usage.hpp"

namespace headroom::cli {

[[nodiscard]] inline CLI::Validator whole(
    std::int64_t low, std::int64_t high, std::int64_t example
) {
    return CLI::Validator(
        [=](const std::string& text) {
            return whole_number(text, {low, high, example});
        },
        ""
    );
}

[[nodiscard]] inline CLI::Validator one_of(const std::vector<std::string>& words) {
    return CLI::Validator([=](const std::string& text) { return known_word(text, words); }, "");
}

} // namespace headroom::cli
