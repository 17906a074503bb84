// Finding any placement that fits, whatever its speed: what most policies fall back to before they
// say that nothing fits. A heuristic (the question is bin packing), with swaps and seeded kicks.
#pragma once

#include "base/units.hpp"
#include "scheduler/core/problem.hpp"

namespace headroom::scheduler {

struct Packing {
    Placement placement; ///< complete, whether it fits or not
    Bytes shortage = 0;  ///< beyond the budgets (see Ledger::shortage); 0: it fits
};

/// Best-fit-decreasing; if that fails packing by counts, which finds what fits in small fleets;
/// then moves and swaps that lower the shortage. The best attempt.
[[nodiscard]] Packing pack(const Problem& problem);

} // namespace headroom::scheduler
