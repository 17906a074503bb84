// Are two traces the same run? Two runs of one scenario are, wall-clock fields excepted.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "trace/records/trace.hpp"

namespace headroom::trace {

/// What differs, one line each ("intervals[3].tokens[2].id: 5 | 7"), at most `most` lines; empty
/// if the traces are the same. Excepted: what depends on the host or its clock, see below.
[[nodiscard]] std::vector<std::string> differences(
    const Trace& a, const Trace& b, std::size_t most = 10
);

/// The same of two headers, and of two intervals, which lines name as `where`.
[[nodiscard]] std::vector<std::string> differences(
    const RunHeader& a, const RunHeader& b, std::size_t most = 10
);
[[nodiscard]] std::vector<std::string> differences(
    const std::string& where, const Interval& a, const Interval& b, std::size_t most = 10
);

/// Columns that measure the host: every name with "wall" or "rank_rss" in it.
[[nodiscard]] bool is_host_column(std::string_view name);
/// Attributes and numbers of the header that name the host, a place on it or its clock: "host",
/// "host_…" and "wall_…".
[[nodiscard]] bool is_host_attribute(std::string_view name);

} // namespace headroom::trace
