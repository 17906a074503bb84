// A trace's decisions and its last placement as aligned tables.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "base/block.hpp"
#include "trace/records/trace.hpp"

namespace headroom::cli {

/// A line per decision, those of a run of several sequences with more columns.
[[nodiscard]] std::string decision_table(const trace::Trace& trace);
/// A line per part of a run that was broken off and went on: which program made it; empty of one.
[[nodiscard]] std::string part_table(const trace::Trace& trace);
/// A line per device, a column per kind of block that every model has.
[[nodiscard]] std::string placement_table(const trace::Trace& trace);

/// Embed, group, proj, ffn, lm_head: slices and hubs are none of a reader's first questions.
inline constexpr std::size_t kShownKinds = 5;
static_assert(static_cast<std::size_t>(BlockKind::lm_head) == kShownKinds - 1);

/// Device by device, how many blocks of each kind it holds at the last interval.
[[nodiscard]] std::vector<std::array<std::int64_t, kShownKinds>> last_placement(
    const trace::Trace& trace
);

} // namespace headroom::cli
