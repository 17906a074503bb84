// A table that fits the terminal: where there is no room for all columns, some are left out.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace headroom::cli {

struct PlanColumn {
    std::string header;
    int leave_out = 0; ///< 0: never; else the largest number goes first
};

class PlanTable {
  public:
    explicit PlanTable(std::vector<PlanColumn> columns) : columns_(std::move(columns)) {}
    /// One text per column.
    void add(std::vector<std::string> row);
    /// width: of the terminal in characters; 0: no limit. Names what had to be left out.
    [[nodiscard]] std::string text(std::size_t width) const;

  private:
    [[nodiscard]] std::size_t width_of(std::size_t column) const;

    std::vector<PlanColumn> columns_;
    std::vector<std::vector<std::string>> rows_;
};

} // namespace headroom::cli
