// Aligned tables on the terminal: the first column is aligned to the left, all others to the right.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/units.hpp"

namespace headroom::cli {

/// Returns `part` as a percentage of `whole`, for example "12 %", or "-" if `whole` is not above 0.
[[nodiscard]] std::string percent(double part, double whole);
[[nodiscard]] std::string percent(std::int64_t part, std::int64_t whole);
/// Returns the formatted time, or "-" for a negative one, which stands for a missing value (a
/// single output token has no time per output token).
[[nodiscard]] std::string duration_or_dash(Nanoseconds time);

class TextTable {
  public:
    explicit TextTable(std::vector<std::string> header) : rows_{std::move(header)} {}
    /// Adds a row with one text per column.
    void add(std::vector<std::string> row);
    /// Returns all lines, each indented by two spaces and without trailing spaces.
    [[nodiscard]] std::string text() const;

  private:
    std::vector<std::vector<std::string>> rows_;
};

} // namespace headroom::cli
