// The judge of every decision. Plain loops of its own: it shares no code with costs, timeline or
// policies, and repeats the formulas of docs/explanation/blocks.md#physical-costs and
// docs/explanation/head-level-partitioning.md#block-costs-of-profile-paper on purpose.
#pragma once

#include <string>
#include <vector>

#include "base/ids.hpp"
#include "base/units.hpp"
#include "scheduler/core/problem.hpp"

namespace headroom::scheduler {

struct Shortage {
    DeviceId device;
    Bytes needed = 0;
    Bytes budget = 0;
};

struct Verdict {
    std::vector<std::string> problems; ///< empty: the placement is feasible
    std::vector<Shortage> shortages;   ///< the memory part of it, as numbers
    [[nodiscard]] bool ok() const { return problems.empty(); }
};

/// Every block on exactly one existing device; per device resident bytes at T + λ plus buffers (if
/// it holds anything) within its memory; paper profile: its memory formula and the compute
/// constraint Σ c_i ≤ C_j·T_budget per layer.
[[nodiscard]] Verdict validate(const Problem& problem, const Placement& placement);

} // namespace headroom::scheduler
