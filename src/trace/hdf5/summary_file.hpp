// A table of the figures of many traces as an HDF5 file.
#pragma once

#include <string>

#include "trace/analysis/figure_table.hpp"

namespace headroom::trace {

/// Writes /summary: one row per trace, fixed strings, NaN and -1 for what there is not, and the
/// attributes description and units as in a trace. Replaces what is at the path. The same table
/// gives the same contents. Throws EnvironmentError.
void write_summary_file(const std::string& path, const FigureTable& table);

/// Whether the file is one of these. Never throws.
[[nodiscard]] bool is_summary_file(const std::string& path);

} // namespace headroom::trace
