// Compares traces. Two runs of one scenario leave equal traces, except for the columns and
// attributes that describe the host or its clock.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "trace/records/trace.hpp"

namespace headroom::trace {

/// Returns the first `max_lines` differences between two traces, one line each
/// ("intervals[3].tokens[2].id: 5 | 7"). The list is empty if the traces are equal. Leaves out the
/// columns and attributes for which is_host_column() or is_host_attribute() is true.
[[nodiscard]] std::vector<std::string> differences(
    const Trace& a, const Trace& b, std::size_t max_lines = 10
);

[[nodiscard]] std::vector<std::string> differences(
    const RunHeader& a, const RunHeader& b, std::size_t max_lines = 10
);
/// Returns the differences between two intervals of a run with this header. Each line begins with
/// `where`. A difference between placements also names the block and its two devices.
[[nodiscard]] std::vector<std::string> differences(
    const RunHeader& header,
    const std::string& where,
    const Interval& a,
    const Interval& b,
    std::size_t max_lines = 10
);

/// Returns whether a column measures the host: its name contains "wall" or "rank_rss".
[[nodiscard]] bool is_host_column(std::string_view name);
/// Returns whether an attribute of the header describes the host, a path on the host or its clock:
/// "host", "host_…" or "wall_…".
[[nodiscard]] bool is_host_attribute(std::string_view name);

} // namespace headroom::trace
