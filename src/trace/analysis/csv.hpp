// Writes a trace as comma-separated values, one text per table, for spreadsheets and R.
#pragma once

#include <functional>
#include <iosfwd>
#include <string>
#include <string_view>
#include <vector>

#include "trace/records/trace.hpp"

namespace headroom::trace {

struct CsvTable {
    std::string name; ///< name of the table in the trace; the file is called NAME.csv
    std::function<void(std::ostream&)> write;
};

/// Returns every table of the trace, then `placements` (one row per interval and block),
/// `attributes` (of the run) and `columns` (the unit of each column). The first line names the
/// columns. Lines end in \n. Codes are written as their names, times as integers in ns. Other
/// tables refer to devices, blocks, layers and intervals by index. So the first column of their own
/// tables (`device`, `block`, `layer`, `interval`) holds this index. If the rows of a table belong
/// to intervals, the table's first column holds the interval's index. The result refers to the
/// trace, which must outlive it.
[[nodiscard]] std::vector<CsvTable> csv_tables(const Trace& trace);

[[nodiscard]] const std::vector<std::string>& csv_table_names();

/// Returns a text as one field. The text may contain any bytes. The field is quoted, with inner
/// quotes doubled, if RFC 4180 requires it. A text that begins with = + - or @ and is not a number
/// gets an apostrophe in front, because a spreadsheet would execute it as a formula.
[[nodiscard]] std::string csv_field(std::string_view text);

} // namespace headroom::trace
