// An aligned table for people: the first column to the left, figures to the right.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/units.hpp"

namespace headroom::cli {

/// "12 %", or "-" of nothing.
[[nodiscard]] std::string percent(double part, double whole);
[[nodiscard]] std::string percent(std::int64_t part, std::int64_t whole);
/// A time below 0 is none (one output token has no time per output token): "-".
[[nodiscard]] std::string duration_or_dash(Nanoseconds time);

class TextTable {
  public:
    explicit TextTable(std::vector<std::string> header) : rows_{std::move(header)} {}
    /// One text per column.
    void add(std::vector<std::string> row);
    /// Every line is indented by two spaces and ends without any.
    [[nodiscard]] std::string text() const;

  private:
    std::vector<std::vector<std::string>> rows_;
};

} // namespace headroom::cli
