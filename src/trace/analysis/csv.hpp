// A trace as comma-separated values: one text per table, for spreadsheets and R.
#pragma once

#include <functional>
#include <iosfwd>
#include <string>
#include <string_view>
#include <vector>

#include "trace/records/trace.hpp"

namespace headroom::trace {

struct CsvTable {
    std::string name; ///< of the table in the trace, and of the file: NAME.csv
    std::function<void(std::ostream&)> write;
};

/// Every table that the trace has, then `placements` (a row per interval and block), `attributes`
/// (of the run) and `columns` (each column's unit). The first line names the columns; lines end in
/// \n. Codes are written as their names, times as integers in ns. Where other tables refer to a
/// row by its index that stands first (`device`, `block`, `layer`, `interval`), as does the
/// interval that a row was committed with. The tables refer to the trace, which must live longer.
[[nodiscard]] std::vector<CsvTable> csv_tables(const Trace& trace);

/// The names of all tables that a trace can have.
[[nodiscard]] const std::vector<std::string>& csv_table_names();

/// In quotes, with inner ones doubled, if RFC 4180 asks for it; else as it is. Any bytes. A text
/// that spreadsheets would take for a formula has an apostrophe in front: one that begins with
/// = + - @ and is no number.
[[nodiscard]] std::string csv_field(std::string_view text);

} // namespace headroom::trace
