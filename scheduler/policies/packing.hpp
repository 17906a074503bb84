// Finding any placement that fits, whatever its speed: what every policy falls back to before it
// says that nothing fits. A heuristic (the question is bin packing), with swaps and seeded kicks.
#pragma once

#include <string>

#include "base/units.hpp"
#include "scheduler/problem.hpp"

namespace headroom::scheduler {

struct Packing {
    Placement placement; ///< complete, whether it fits or not
    Bytes shortage = 0;  ///< bytes beyond the budgets, over all devices; 0: it fits
};

/// Whether the blocks need more than all devices have together: no need to search.
[[nodiscard]] bool hopeless(const Problem& problem);

/// Best-fit-decreasing, then moves and swaps that lower the shortage. The best attempt.
[[nodiscard]] Packing pack(const Problem& problem);

/// Why nothing fits, in one sentence: total need against total memory if that decides it, else
/// what which device lacks in the best attempt.
[[nodiscard]] std::string shortage_reason(const Problem& problem, const Placement& attempt);

/// Why this placement does not fit: "device 1 lacks 1.20 MiB (needs …, has …)", per device.
[[nodiscard]] std::string lacking_devices(const Problem& problem, const Placement& placement);

/// The answer "nothing fits".
[[nodiscard]] Decision infeasible(const Problem& problem, const Placement& attempt);

} // namespace headroom::scheduler
