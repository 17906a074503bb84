// Writes the summary numbers of many traces as one table in an HDF5 file (`headroom collect`).
#pragma once

#include <string>

#include "trace/analysis/figure_table.hpp"

namespace headroom::trace {

/// Writes the table as dataset `/summary`, with attributes `description` and `units`. Texts become
/// strings of fixed length. Missing values are empty texts, -1 or NaN. Replaces an existing file.
/// Equal tables give equal files. Throws EnvironmentError if writing fails.
void write_summary_file(const std::string& path, const FigureTable& table);

/// Returns whether the file is HDF5 and has a dataset `/summary`, as write_summary_file() writes
/// it. Returns false for a file that cannot be read.
[[nodiscard]] bool is_summary_file(const std::string& path);

} // namespace headroom::trace
