#include "trace/analysis/csv.hpp"

#include <algorithm>
#include <charconv>
#include <functional>
#include <ostream>
#include <span>
#include <system_error>
#include <type_traits>
#include <utility>

#include <fmt/format.h>

#include "trace/records/columns.hpp"
#include "trace/records/labels.hpp"

namespace headroom::trace {

namespace {

constexpr const char* kPlacements = "placements";
constexpr const char* kAttributes = "attributes";
constexpr const char* kColumns = "columns";

template <class Row>
concept HasIntervalColumn = requires(Row row) {
    row.interval;
};

template <class Row, class... Others>
constexpr bool is_one_of = (std::is_same_v<Row, Others> || ...);

/// Returns the name of the first column, which holds the row's own index or the index of its
/// interval. Returns "" for tables that have no such column.
template <class Row>
constexpr const char* leading_column() {
    if constexpr (is_one_of<Row, DeviceRow>) {
        return "device";
    } else if constexpr (is_one_of<Row, BlockRow>) {
        return "block";
    } else if constexpr (is_one_of<Row, LayerRow>) {
        return "layer";
    } else if constexpr (is_one_of<Row, LinkRow, ModelRow, PromptRow> || HasIntervalColumn<Row>) {
        return "";
    } else {
        return "interval";
    }
}

template <class Row>
class RowWriter {
  public:
    RowWriter(const RunHeader& header, std::ostream& out) : header_(header), out_(out) {
        std::string line = leading_column<Row>();
        for_each_column<Row>([&](const auto& column) {
            line += (line.empty() ? "" : ",") + std::string(column.name);
        });
        out_ << line << '\n';
    }

    /// `index` is written in the leading column, if the table has one.
    void write(const Row& row, std::size_t index) {
        line_.clear();
        first_ = true;
        if constexpr (leading_column<Row>()[0] != '\0') {
            fmt::format_to(std::back_inserter(line_), "{}", index);
            first_ = false;
        }
        for_each_column<Row>([&](const auto& column) { add(column, row.*column.member); });
        line_.push_back('\n');
        out_.write(line_.data(), static_cast<std::streamsize>(line_.size()));
    }

  private:
    template <class C, class T>
    void add(const C& column, const T& value) {
        if (!std::exchange(first_, false)) {
            line_.push_back(',');
        }
        if constexpr (std::is_same_v<T, std::string>) {
            line_.append(csv_field(value));
        } else {
            if constexpr (std::is_same_v<T, std::int32_t>) {
                if (std::string_view(column.unit) == "code") {
                    line_.append(csv_field(code_label(
                        header_, fmt::format("{}.{}", Table<Row>::name, column.name), value
                    )));
                    return;
                }
            }
            fmt::format_to(std::back_inserter(line_), "{}", value);
        }
    }

    const RunHeader& header_;
    std::ostream& out_;
    fmt::memory_buffer line_;
    bool first_ = true; ///< whether the next column is the first of its line
};

template <class Row>
CsvTable static_table(const Trace& trace, std::vector<Row> RunHeader::*rows) {
    return {Table<Row>::name, [&trace, rows](std::ostream& out) {
                RowWriter<Row> writer(trace.header, out);
                std::size_t index = 0;
                for (const Row& row : trace.header.*rows) {
                    writer.write(row, index++);
                }
            }};
}

/// `rows_of` returns the table's rows of an interval.
template <class Row, class RowsOf>
CsvTable interval_table(const Trace& trace, RowsOf rows_of) {
    return {Table<Row>::name, [&trace, rows_of](std::ostream& out) {
                RowWriter<Row> writer(trace.header, out);
                for (std::size_t i = 0; i < trace.intervals.size(); ++i) {
                    for (const Row& row : rows_of(trace.intervals[i])) {
                        writer.write(row, i);
                    }
                }
            }};
}

void write_placements(const Trace& trace, std::ostream& out) {
    out << "interval,block,block_name,device,device_name\n";
    for (std::size_t i = 0; i < trace.intervals.size(); ++i) {
        const std::vector<std::int32_t>& placement = trace.intervals[i].placement;
        for (std::size_t b = 0; b < placement.size(); ++b) {
            out << fmt::format(
                "{},{},{},{},{}\n",
                i,
                b,
                csv_field(block_label(trace.header, static_cast<std::int32_t>(b))),
                placement[b],
                csv_field(device_label(trace.header, placement[b]))
            );
        }
    }
}

void write_attributes(const Trace& trace, std::ostream& out) {
    out << "name,value\n";
    out << "completion," << completion_names()[static_cast<std::size_t>(trace.completion)] << '\n';
    for (const auto& [name, value] : trace.header.attributes) {
        out << csv_field(name) << ',' << csv_field(value) << '\n';
    }
    for (const auto& [name, value] : trace.header.numbers) {
        out << csv_field(name) << ',' << value << '\n';
    }
}

template <class Row>
void write_units(std::ostream& out) {
    if constexpr (leading_column<Row>()[0] != '\0') {
        out << Table<Row>::name << ',' << leading_column<Row>() << ",id\n";
    }
    for_each_column<Row>([&](const auto& column) {
        out << Table<Row>::name << ',' << column.name << ',' << csv_field(column.unit) << '\n';
    });
}

void write_columns(std::ostream& out) {
    const auto write_table = [&]<class Owner, class Row>(std::vector<Row> Owner::*) {
        write_units<Row>(out);
    };
    out << "table,column,unit\n";
    for_each_table(kHeaderTables, write_table);
    write_units<IntervalRow>(out);
    for_each_table(kIntervalTables, write_table);
    for (const char* const column : {"interval,id", "block,id", "block_name,text", "device,id"}) {
        out << kPlacements << ',' << column << '\n';
    }
    out << kPlacements << ",device_name,text\n";
    out << kAttributes << ",name,text\n" << kAttributes << ",value,text\n";
}

} // namespace

std::vector<CsvTable> csv_tables(const Trace& trace) {
    std::vector<CsvTable> tables;
    for_each_table(kHeaderTables, [&]<class Row>(std::vector<Row> RunHeader::*rows) {
        constexpr bool is_optional = is_one_of<Row, ModelRow, LayerRow, PromptRow>;
        if (!is_optional || !trace.header.model.empty()) {
            tables.push_back(static_table(trace, rows));
        }
    });
    tables.push_back(interval_table<IntervalRow>(trace, [](const Interval& interval) {
        return std::span(&interval.row, 1);
    }));
    for_each_table(kIntervalTables, [&]<class Row>(std::vector<Row> Interval::*rows) {
        if (!kNeedsOps<Row> || trace.header.with_ops) {
            tables.push_back(interval_table<Row>(trace, std::mem_fn(rows)));
        }
    });
    const auto bind = [&](auto write) {
        return [&trace, write](std::ostream& out) { write(trace, out); };
    };
    tables.push_back({kPlacements, bind(write_placements)});
    tables.push_back({kAttributes, bind(write_attributes)});
    tables.push_back({kColumns, write_columns});
    return tables;
}

const std::vector<std::string>& csv_table_names() {
    static const std::vector<std::string> names = [] {
        Trace all;
        all.header.model.resize(1);
        all.header.with_ops = true;
        std::vector<std::string> found;
        for (const CsvTable& table : csv_tables(all)) {
            found.push_back(table.name);
        }
        return found;
    }();
    return names;
}

namespace {

bool is_number(std::string_view text) {
    if (text.starts_with('+')) {
        text.remove_prefix(1);
    }
    double value = 0;
    const char* const end = text.data() + text.size();
    const auto read = std::from_chars(text.data(), end, value);
    return !text.empty() && read.ptr == end && read.ec != std::errc::invalid_argument;
}

/// Returns whether a spreadsheet would execute the text as a formula. A prompt or a device's name
/// could fetch and send data by such a formula.
bool is_formula(std::string_view text) {
    // Some spreadsheets skip tabs and carriage returns.
    text.remove_prefix(std::min(text.find_first_not_of("\t\r"), text.size()));
    return text.find_first_of("=+-@") == 0 && !is_number(text);
}

} // namespace

std::string csv_field(std::string_view text) {
    const bool formula = is_formula(text);
    if (!formula && text.find_first_of("\",\r\n") == std::string_view::npos) {
        return std::string(text);
    }
    std::string quoted = formula ? "\"'" : "\"";
    for (const char c : text) {
        quoted += c == '"' ? "\"\"" : std::string(1, c);
    }
    return quoted + '"';
}

} // namespace headroom::trace
