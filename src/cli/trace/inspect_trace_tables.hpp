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

/// Returns a table with a row per decision. If the run can decode several sequences at once, the
/// table also has columns for the number of sequences in flight, the number of waiting requests,
/// the batch size and the predicted time of a round (one turn of every sequence).
[[nodiscard]] std::string decision_table(const trace::Trace& trace);
/// Returns a table with a row per part of a resumed run. The row has the indices of the first and
/// the last interval of the part (an interval goes from one decision to the next) and the program
/// version, clock mode, kernels and transport of the part. Returns "" if the run was not resumed.
[[nodiscard]] std::string part_table(const trace::Trace& trace);
/// Returns a table with a row per device: its number of blocks of each counted kind (see
/// kCountedKinds) at the end of the trace.
[[nodiscard]] std::string placement_table(const trace::Trace& trace);

/// Number of block kinds (base/block.hpp) that placement_table() and last_placement() count. These
/// are the kinds of granularity `paper`: embed, group, proj, ffn and lm_head. The slices and hubs
/// of granularity `sliced` are not counted.
inline constexpr std::size_t kCountedKinds = 5;
static_assert(static_cast<std::size_t>(BlockKind::lm_head) == kCountedKinds - 1);

/// Returns, for each device, its number of blocks of each counted kind at the end of the trace.
[[nodiscard]] std::vector<std::array<std::int64_t, kCountedKinds>> last_placement(
    const trace::Trace& trace
);

} // namespace headroom::cli
