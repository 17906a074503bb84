// Searches for any placement that fits, whatever its speed. Most policies fall back to this search
// before they report that nothing fits. The problem is bin packing; pack() is a heuristic with
// swaps and (seeded) random changes, which may miss a placement that fits.
#pragma once

#include "base/units.hpp"
#include "scheduler/core/problem.hpp"

namespace headroom::scheduler {

struct Packing {
    Placement placement; ///< complete, whether it fits or not
    Bytes shortage = 0;  ///< the sum of what devices lack (Ledger::shortage()); 0 if it fits
};

/// Tries best-fit and worst-fit decreasing, then packing by counts, then moves and swaps that lower
/// the shortage, until a placement fits. Returns the placement with the least shortage.
[[nodiscard]] Packing pack(const Problem& problem);

} // namespace headroom::scheduler
