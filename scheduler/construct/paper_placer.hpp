// The placement algorithm of policy `paper`, published in arXiv 2505.02533. Blocks are placed by
// size, the largest first, each on the feasible device with the least score (paper_score.hpp). If
// no device is feasible for a block, other blocks are evicted to make room. See
// docs/explanation/head-level-partitioning.md#score-and-algorithm.
#pragma once

#include <cstdint>
#include <optional>

#include "scheduler/core/problem.hpp"

namespace headroom::scheduler {

struct PaperPlacing {
    /// Has a device for every block; it does not fit if `stuck` is set.
    Placement placement;
    std::optional<BlockId> stuck; ///< the first block for which no room could be made
    std::int64_t evictions = 0;   ///< evictions tried, at most problem.paper.backtracks
    std::int64_t evaluations = 0; ///< number of scores computed
};

/// Runs the algorithm. It is deterministic, and problem.paper.backtracks limits its work.
[[nodiscard]] PaperPlacing place_by_score(const Problem& problem);

} // namespace headroom::scheduler
