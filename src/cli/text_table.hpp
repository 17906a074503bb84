// An aligned table for people: the first column to the left, figures to the right.
#pragma once

#include <string>
#include <vector>

namespace headroom::cli {

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
