// The decisions, the parts and the last placement of a trace as aligned tables. A part is what was
// recorded until the run was interrupted, or from one resumption to the next.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "base/block.hpp"
#include "trace/records/trace.hpp"

namespace headroom::cli {

/// Returns a table with a row per decision. Runs with several sequences in flight have more
/// columns.
[[nodiscard]] std::string decision_table(const trace::Trace& trace);
/// Returns a table with a row per part of a resumed run: which version of the program wrote it.
/// Returns "" if the run was not resumed.
[[nodiscard]] std::string part_table(const trace::Trace& trace);
/// Returns a table with a row per device: its number of blocks of each counted kind.
[[nodiscard]] std::string placement_table(const trace::Trace& trace);

/// Number of block kinds that the tables count: embed, group, proj, ffn and lm_head. Slices and
/// hubs are not counted.
inline constexpr std::size_t kCountedKinds = 5;
static_assert(static_cast<std::size_t>(BlockKind::lm_head) == kCountedKinds - 1);

/// Returns, for each device, its number of blocks of each counted kind in the last interval.
[[nodiscard]] std::vector<std::array<std::int64_t, kCountedKinds>> last_placement(
    const trace::Trace& trace
);

} // namespace headroom::cli
