// A table that leaves out some columns if the terminal is too narrow for all of them.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace headroom::cli {

struct PlanColumn {
    std::string header;
    int drop_priority = 0; ///< 0: is never left out; else the largest number is left out first
};

class PlanTable {
  public:
    explicit PlanTable(std::vector<PlanColumn> columns) : columns_(std::move(columns)) {}
    /// Adds a row. Precondition: it has one text per column.
    void add(std::vector<std::string> row);
    /// Returns the table and, if columns were left out, a line that names them. width: the width of
    /// the terminal in characters; 0 means no limit.
    [[nodiscard]] std::string text(std::size_t width) const;

  private:
    [[nodiscard]] std::size_t width_of(std::size_t column) const;

    std::vector<PlanColumn> columns_;
    std::vector<std::vector<std::string>> rows_;
};

} // namespace headroom::cli
