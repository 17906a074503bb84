#include "cli/terminal/text_table.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/check.hpp"

namespace headroom::cli {

std::string percent(double part, double whole) {
    return whole > 0 ? fmt::format("{:.0f} %", 100.0 * part / whole) : "-";
}

std::string percent(std::int64_t part, std::int64_t whole) {
    return percent(static_cast<double>(part), static_cast<double>(whole));
}

std::string duration_or_dash(Nanoseconds time) {
    return time < 0 ? "-" : format_duration(time);
}

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
