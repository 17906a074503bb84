#include "cli/text_table.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/check.hpp"

namespace headroom::cli {

void TextTable::add(std::vector<std::string> row) {
    HEADROOM_CHECK(row.size() == rows_.front().size(), "a row of {} columns", row.size());
    rows_.push_back(std::move(row));
}

std::string TextTable::text() const {
    std::vector<std::size_t> widths(rows_.front().size());
    for (const std::vector<std::string>& row : rows_) {
        for (std::size_t i = 0; i < row.size(); ++i) {
            widths[i] = std::max(widths[i], row[i].size());
        }
    }
    std::string text;
    for (const std::vector<std::string>& row : rows_) {
        std::string line = fmt::format("  {:<{}}", row.front(), widths.front());
        for (std::size_t i = 1; i < row.size(); ++i) {
            line += fmt::format("  {:>{}}", row[i], widths[i]);
        }
        line.erase(line.find_last_not_of(' ') + 1);
        text += line + '\n';
    }
    return text;
}

} // namespace headroom::cli
