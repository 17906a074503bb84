// A search for any placement that fits, whatever its speed. Most policies fall back to it before
// they report that nothing fits. The problem is bin packing; this is a heuristic with swaps and
// seeded perturbations.
#pragma once

#include "base/units.hpp"
#include "scheduler/core/problem.hpp"

namespace headroom::scheduler {

struct Packing {
    Placement placement; ///< complete, whether it fits or not
    Bytes shortage = 0;  ///< Ledger::shortage(); 0 if the placement fits
};

/// Returns the best of three attempts, each made if the one before does not fit: best-fit
/// decreasing, packing by counts, and moves and swaps that lower the shortage.
[[nodiscard]] Packing pack(const Problem& problem);

} // namespace headroom::scheduler
