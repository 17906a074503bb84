// What a block weighs under the problem's cost profile: the numbers that policies place blocks by.
#pragma once

#include <cstdint>

#include "base/ids.hpp"
#include "base/units.hpp"
#include "scheduler/core/problem.hpp"

namespace headroom::scheduler {

/// Memory with the caches of all sequences in flight, compute of the longest, both at T + λ. Under
/// cost profile `paper`, embed and lm_head weigh nothing.
struct BlockCost {
    Bytes memory = 0;  ///< resident; a tied lm_head counts with a matrix of its own
    Flops compute = 0; ///< per token
    Bytes output = 0;  ///< what a block that depends on it receives, were it on another device
};

[[nodiscard]] BlockCost cost_of(const Problem& problem, BlockId b);
/// The same for many blocks, with what all of them ask for: problem.memory_context().
[[nodiscard]] BlockCost cost_of(const Problem& problem, BlockId b, std::int64_t memory_context);

/// Most FLOP that a device may do per layer, C_j·T_budget, rounded down; kUnlimited without a
/// compute constraint (profile `physical`).
[[nodiscard]] Flops compute_limit(const Problem& problem, const Snapshot::Device& device);

/// Puts embed and lm_head where no choice is left: pinned, on the source; else under profile
/// `paper`, by whose formulas they cost nothing though they are real in the execution, where they
/// were, which is the source at first.
void settle_ends(const Problem& problem, Placement& placement);

} // namespace headroom::scheduler
