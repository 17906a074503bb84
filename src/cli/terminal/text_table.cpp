#include "cli/terminal/text_table.hpp"

#include <algorithm>
#include <numeric>

#include <fmt/ranges.h>

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

std::vector<std::size_t> first_rows(
    std::size_t rows, std::size_t shown, const std::function<bool(std::size_t, std::size_t)>& less
) {
    std::vector<std::size_t> order(rows);
    std::iota(order.begin(), order.end(), std::size_t{0});
    if (rows > shown) {
        std::ranges::stable_sort(order, less);
        order.resize(shown);
        std::ranges::sort(order);
    }
    return order;
}

void TextTable::add(std::vector<std::string> row) {
    HEADROOM_CHECK(row.size() == columns_.size(), "a row of {} columns", row.size());
    rows_.push_back(std::move(row));
}

std::string TextTable::text(std::size_t width) const {
    constexpr std::size_t kGap = 2; // spaces before each column
    std::vector<std::size_t> widths;
    std::vector<std::size_t> shown;
    std::size_t needed = 0;
    for (std::size_t c = 0; c < columns_.size(); ++c) {
        widths.push_back(columns_[c].header.size());
        for (const std::vector<std::string>& row : rows_) {
            widths[c] = std::max(widths[c], row[c].size());
        }
        shown.push_back(c);
        needed += widths[c] + kGap;
    }
    std::vector<std::string> left_out;
    while (width > 0 && needed > width) {
        const auto next = std::ranges::max_element(shown, {}, [&](std::size_t c) {
            return columns_[c].drop_priority;
        });
        if (columns_[*next].drop_priority == 0) {
            break;
        }
        needed -= widths[*next] + kGap;
        left_out.push_back(columns_[*next].header);
        shown.erase(next);
    }
    std::string text;
    const auto add_line = [&](const auto& text_of) {
        std::string line;
        for (const std::size_t c : shown) {
            line += c == shown.front() ? fmt::format("  {:<{}}", text_of(c), widths[c])
                                       : fmt::format("  {:>{}}", text_of(c), widths[c]);
        }
        line.erase(line.find_last_not_of(' ') + 1);
        text += line + '\n';
    };
    add_line([&](std::size_t c) { return columns_[c].header; });
    for (const std::vector<std::string>& row : rows_) {
        add_line([&](std::size_t c) { return row[c]; });
    }
    if (!left_out.empty()) {
        text += fmt::format("  a wider terminal also shows: {}\n", fmt::join(left_out, "; "));
    }
    return text;
}

} // namespace headroom::cli
