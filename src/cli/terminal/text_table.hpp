// Aligned tables on the terminal: the first column is aligned to the left, all others to the right.
#pragma once

#include <concepts>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "base/units.hpp"

namespace headroom::cli {

/// Returns `part` as a percentage of `whole`, for example "12 %", or "-" if `whole` is not above 0.
[[nodiscard]] std::string percent(double part, double whole);
[[nodiscard]] std::string percent(std::int64_t part, std::int64_t whole);
/// Returns the formatted time, or "-" for a negative time, which means a missing value.
[[nodiscard]] std::string duration_or_dash(Nanoseconds time);

/// Returns "1 prompt", "3 prompts".
[[nodiscard]] std::string count_text(std::integral auto count, std::string_view noun) {
    return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

/// Returns the indices of the rows to show, in ascending order. All rows are shown if there are at
/// most `shown`. Otherwise the rows are sorted by `less`, and the first `shown` of them are shown.
[[nodiscard]] std::vector<std::size_t> first_rows(
    std::size_t rows, std::size_t shown, const std::function<bool(std::size_t, std::size_t)>& less
);

struct TextColumn {
    // NOLINTBEGIN(google-explicit-constructor): most columns are only a text
    TextColumn(const char* text, int priority = 0) : header(text), drop_priority(priority) {}
    TextColumn(std::string text) : header(std::move(text)) {}
    // NOLINTEND(google-explicit-constructor)
    std::string header;
    int drop_priority = 0; ///< columns with larger numbers are left out first; 0: never
};

class TextTable {
  public:
    explicit TextTable(std::vector<TextColumn> columns) : columns_(std::move(columns)) {}
    /// Adds a row with one text per column.
    void add(std::vector<std::string> row);
    /// Returns all lines, each indented by two spaces and without trailing spaces. If the lines
    /// would be wider than `width` characters, some columns are left out, and a line names these
    /// columns. A `width` of 0 means no limit.
    [[nodiscard]] std::string text(std::size_t width = 0) const;

  private:
    std::vector<TextColumn> columns_;
    std::vector<std::vector<std::string>> rows_;
};

} // namespace headroom::cli
