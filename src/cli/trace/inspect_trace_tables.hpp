// The decisions, the parts and the last placement of a trace as aligned tables. A part is what a
// run recorded before its first resumption, between two resumptions, or after the last one.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "base/block.hpp"
#include "trace/records/trace.hpp"

namespace headroom::cli {

/// Returns a table with a row per decision. Runs that decode several sequences at once have more
/// columns.
[[nodiscard]] std::string decision_table(const trace::Trace& trace);
/// Returns a table with a row per part of a resumed run: its intervals, and the program version,
/// kernels and transport that it used. Returns "" if the run was not resumed.
[[nodiscard]] std::string part_table(const trace::Trace& trace);
/// Returns a table with a row per device: its number of blocks of each counted kind (see
/// kCountedKinds) at the end of the trace.
[[nodiscard]] std::string placement_table(const trace::Trace& trace);

/// Number of block kinds (base/block.hpp) that the tables count: all but slices and hubs.
inline constexpr std::size_t kCountedKinds = 5;
static_assert(static_cast<std::size_t>(BlockKind::lm_head) == kCountedKinds - 1);

/// Returns, for each device, its number of blocks of each counted kind at the end of the trace.
[[nodiscard]] std::vector<std::array<std::int64_t, kCountedKinds>> last_placement(
    const trace::Trace& trace
);

} // namespace headroom::cli
