#include "trace/analysis/figure_table.hpp"

#include <cmath>

#include <fmt/format.h>

#include "trace/analysis/csv.hpp"

namespace headroom::trace {

std::string plain_text(const Figure& figure) {
    if (const auto* const text = std::get_if<std::string>(&figure)) {
        return *text;
    }
    if (const auto* const integer = std::get_if<std::int64_t>(&figure)) {
        return fmt::format("{}", *integer);
    }
    const auto* const number = std::get_if<double>(&figure);
    return number == nullptr || std::isnan(*number) ? "" : fmt::format("{}", *number);
}

std::string csv_text(const FigureTable& table) {
    std::string text;
    for (std::size_t c = 0; c < table.columns.size(); ++c) {
        text += fmt::format("{}{}", c == 0 ? "" : ",", csv_field(table.columns[c].name));
    }
    text += '\n';
    for (std::size_t row = 0; row < table.rows(); ++row) {
        for (std::size_t c = 0; c < table.columns.size(); ++c) {
            text += fmt::format(
                "{}{}", c == 0 ? "" : ",", csv_field(plain_text(table.columns[c].values[row]))
            );
        }
        text += '\n';
    }
    return text;
}

} // namespace headroom::trace
