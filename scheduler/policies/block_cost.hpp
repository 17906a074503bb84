// What a block weighs under the problem's cost profile: the numbers that policies place blocks by.
#pragma once

#include "base/ids.hpp"
#include "base/units.hpp"
#include "scheduler/problem.hpp"

namespace headroom::scheduler {

/// At the horizon T + λ. Under cost profile `paper`, embed and lm_head weigh nothing.
struct BlockCost {
    Bytes memory = 0;  ///< resident; a tied lm_head counts with a matrix of its own
    Flops compute = 0; ///< per token
    Bytes output = 0;  ///< what a block that depends on it receives, were it on another device
};

[[nodiscard]] BlockCost cost_of(const Problem& problem, BlockId b);

/// Most FLOP that a device may do per layer, C_j·T_budget, rounded down; kUnlimited without a
/// compute constraint (profile `physical`).
[[nodiscard]] Flops compute_limit(const Problem& problem, const Snapshot::Device& device);

/// Profile `paper` alone: embed and lm_head cost nothing by its formulas but are real in the
/// execution, so they stay where they were, and begin on the source.
void settle_ends(const Problem& problem, Placement& placement);

} // namespace headroom::scheduler
