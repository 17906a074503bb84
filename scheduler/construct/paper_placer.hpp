// The placement algorithm of the published method. Blocks are placed by size, each on the feasible
// device with the least score; where no device is feasible, other blocks are evicted. Source:
// docs/explanation/head-level-partitioning.md#score-and-algorithm.
#pragma once

#include <cstdint>
#include <optional>

#include "scheduler/core/problem.hpp"

namespace headroom::scheduler {

struct PaperPlacing {
    Placement placement;          ///< complete; fits unless `stuck`
    std::optional<BlockId> stuck; ///< the block for which no room could be made
    std::int64_t evictions = 0;   ///< evictions tried, at most problem.paper.backtracks
    std::int64_t evaluations = 0; ///< scores computed
};

/// Returns the placement. The function is deterministic, and the number of evictions limits its
/// work.
[[nodiscard]] PaperPlacing place_by_score(const Problem& problem);

} // namespace headroom::scheduler
