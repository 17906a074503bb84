// Checks whether a placement is feasible. The controller calls the check before it applies a
// decision. The check shares no code with costs, timeline and policies, so that it finds their
// mistakes. It therefore repeats the formulas of docs/explanation/blocks.md#physical-costs and
// docs/explanation/head-level-partitioning.md#block-costs-of-profile-paper.
#pragma once

#include <string>
#include <vector>

#include "base/ids.hpp"
#include "base/units.hpp"
#include "scheduler/core/problem.hpp"

namespace headroom::scheduler {

/// A device that needs more memory than its budget.
struct Shortage {
    DeviceId device;
    Bytes needed = 0;
    Bytes budget = 0;
};

struct Verdict {
    std::vector<std::string> problems; ///< why the placement is infeasible, one sentence per reason
    std::vector<Shortage> shortages;   ///< the reasons that concern memory, as numbers
    [[nodiscard]] bool ok() const { return problems.empty(); }
};

/// Checks that every block is on a device that exists, that pinned blocks (Problem::is_pinned) are
/// on the source, and that no device needs more memory than its budget. The budget is the memory
/// that the device has in the snapshot. A device needs the resident bytes of its blocks at context
/// T + λ, and its buffers if it has any block. Under cost profile `paper` a device needs the bytes
/// of its blocks by the paper's formula, and no buffers. In addition, the FLOP c_i of a layer's
/// blocks on device j must satisfy Σ c_i ≤ C_j·T_budget, where C_j is the FLOP/s of j.
[[nodiscard]] Verdict validate(const Problem& problem, const Placement& placement);

} // namespace headroom::scheduler
