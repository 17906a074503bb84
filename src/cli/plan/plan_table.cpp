#include "cli/plan/plan_table.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/check.hpp"
#include "cli/terminal/text_table.hpp"

namespace headroom::cli {

namespace {

/// The number of spaces that TextTable prints before each column.
constexpr std::size_t kGap = 2;

} // namespace

void PlanTable::add(std::vector<std::string> row) {
    HEADROOM_CHECK(row.size() == columns_.size(), "a row of {} columns", row.size());
    rows_.push_back(std::move(row));
}

std::size_t PlanTable::width_of(std::size_t column) const {
    std::size_t width = columns_[column].header.size();
    for (const std::vector<std::string>& row : rows_) {
        width = std::max(width, row[column].size());
    }
    return width + kGap;
}

std::string PlanTable::text(std::size_t width) const {
    std::vector<std::size_t> shown;
    std::size_t needed = 0;
    for (std::size_t c = 0; c < columns_.size(); ++c) {
        shown.push_back(c);
        needed += width_of(c);
    }
    std::vector<std::string> left_out;
    while (width > 0 && needed > width) {
        const auto next =
            std::max_element(shown.begin(), shown.end(), [&](std::size_t a, std::size_t b) {
                return columns_[a].drop_priority < columns_[b].drop_priority;
            });
        if (columns_[*next].drop_priority == 0) {
            break;
        }
        needed -= width_of(*next);
        left_out.push_back(columns_[*next].header);
        shown.erase(next);
    }
    const auto cells = [&](const auto& text_of) {
        std::vector<std::string> texts;
        for (const std::size_t c : shown) {
            texts.push_back(text_of(c));
        }
        return texts;
    };
    TextTable table(cells([&](std::size_t c) { return columns_[c].header; }));
    for (const std::vector<std::string>& row : rows_) {
        table.add(cells([&](std::size_t c) { return row[c]; }));
    }
    return left_out.empty() ? table.text()
                            : fmt::format(
                                  "{}  a wider terminal also shows: {}\n",
                                  table.text(),
                                  fmt::join(left_out, "; ")
                              );
}

} // namespace headroom::cli
