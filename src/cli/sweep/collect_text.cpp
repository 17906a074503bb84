// The table of many runs as text.
#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "base/units.hpp"
#include "cli/sweep/collect_rows.hpp"
#include "cli/terminal/text_table.hpp"
#include "config/sweep/sweep_names.hpp"
#include "trace/analysis/run_figures.hpp"

namespace headroom::cli {

using trace::Figure;
using trace::FigureColumn;

namespace {

struct DisplayColumn {
    std::string head;
    std::string (*text)(const Figure&, std::string_view unit); ///< of a figure that is not missing
    const FigureColumn* column;
};

std::string shortened(const Figure& figure, std::string_view /*unit*/) {
    constexpr std::size_t kLongest = 24;
    const std::string text = trace::plain_text(figure);
    return text.size() > kLongest ? text.substr(0, kLongest - 1) + "~" : text;
}

std::string full(const Figure& figure, std::string_view /*unit*/) {
    return trace::plain_text(figure);
}

std::string with_unit(const Figure& figure, std::string_view unit) {
    if (const auto* const real = std::get_if<double>(&figure)) {
        return unit == "1" ? fmt::format("{:.0f} %", 100 * *real) : fmt::format("{:.3f}", *real);
    }
    const auto integer = std::get<std::int64_t>(figure);
    return unit == "ns"  ? format_duration(integer)
           : unit == "B" ? format_bytes(integer)
                         : fmt::format("{}", integer);
}

bool varies(const FigureColumn& column) {
    return std::any_of(column.values.begin(), column.values.end(), [&](const Figure& value) {
        return value != column.values.front();
    });
}

/// Returns whether no two rows are equal in these columns.
bool distinguish_rows(const std::vector<DisplayColumn>& columns, std::size_t rows) {
    std::set<std::string> seen;
    for (std::size_t row = 0; row < rows; ++row) {
        std::string all;
        for (const DisplayColumn& shown : columns) {
            all += trace::plain_text(shown.column->values[row]) + '\n';
        }
        seen.insert(all);
    }
    return seen.size() == rows;
}

/// Returns columns for the first keys that differ. The file name is added in front if two rows
/// would otherwise be equal.
std::vector<DisplayColumn> shown_keys(const Collection& collection) {
    constexpr std::size_t kMaxKeys = 5;
    const std::vector<FigureColumn>& columns = collection.table.columns;
    std::vector<std::string> names;
    for (std::size_t c = 0; c < collection.key_columns; ++c) {
        names.push_back(columns[c].name);
    }
    const std::vector<std::string> heads = config::short_keys(names);
    std::vector<DisplayColumn> shown;
    for (std::size_t c = 1; c < collection.key_columns && shown.size() < kMaxKeys; ++c) {
        if (varies(columns[c])) {
            shown.push_back({heads[c], shortened, &columns[c]});
        }
    }
    if (shown.empty() || !distinguish_rows(shown, collection.table.rows())) {
        shown.insert(shown.begin(), {"file", full, &columns.front()});
    }
    return shown;
}

} // namespace

std::string collection_text(const Collection& collection) {
    const trace::FigureTable& table = collection.table;
    const auto column = [&](std::string_view name) {
        return &*std::find_if(table.columns.begin(), table.columns.end(), [&](const auto& c) {
            return c.name == name;
        });
    };
    std::vector<DisplayColumn> shown = shown_keys(collection);
    const FigureColumn& completion = *column("completion");
    if (varies(completion) || trace::plain_text(completion.values.front()) != "finished") {
        shown.push_back({"state", full, &completion});
    }
    for (const trace::RunFigure& figure : trace::kRunFigures) {
        if (!figure.heading.empty()) {
            shown.push_back({std::string(figure.heading), with_unit, column(figure.name)});
        }
    }
    std::vector<TextColumn> heads;
    for (const DisplayColumn& one : shown) {
        heads.emplace_back(one.head);
    }
    TextTable text(heads);
    for (std::size_t row = 0; row < table.rows(); ++row) {
        std::vector<std::string> line;
        for (const DisplayColumn& one : shown) {
            const Figure& value = one.column->values[row];
            line.push_back(
                std::holds_alternative<std::monostate>(value) ? "-"
                                                              : one.text(value, one.column->unit)
            );
        }
        text.add(std::move(line));
    }
    return text.text();
}

} // namespace headroom::cli
