// What cells are called: by their values alone, so that a sweep that grows keeps what it has.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace headroom::config {

/// The text with all but letters, digits, '.', '_', '+' and '-' made '-'; a long one is shortened
/// and gets a number that stands for the whole. Never empty.
[[nodiscard]] std::string file_word(std::string_view text);

/// For each dotted key its shortest end that no other key has: interval for controller.interval.
[[nodiscard]] std::vector<std::string> short_keys(std::span<const std::string> keys);

/// A value within a cell's name: words speak for themselves, other values follow their key.
/// value: TOML text.
[[nodiscard]] std::string value_word(std::string_view short_key, std::string_view value);

/// One name per cell from the words of its values; names that would be equal get a number that
/// stands for the cell's exact values.
[[nodiscard]] std::vector<std::string> cell_names(
    std::span<const std::vector<std::string>> words, std::span<const std::vector<std::string>> exact
);

} // namespace headroom::config
