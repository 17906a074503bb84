// The published method's placement: blocks by size, each to the feasible device with the least
// score; where nothing fits, room is made by evictions. Source:
// docs/explanation/head-level-partitioning.md#score-and-algorithm.
#pragma once

#include <cstdint>
#include <optional>

#include "scheduler/core/problem.hpp"

namespace headroom::scheduler {

struct PaperPlacing {
    Placement placement;          ///< complete; fits unless `stuck`
    std::optional<BlockId> stuck; ///< the block for which no room could be made
    std::int64_t evictions = 0;   ///< tried, at most problem.paper.backtracks
    std::int64_t evaluations = 0; ///< scores
};

/// Deterministic; its work is bounded by the evictions, each of which scores a block once more.
[[nodiscard]] PaperPlacing place_by_score(const Problem& problem);

} // namespace headroom::scheduler
