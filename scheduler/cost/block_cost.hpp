// The memory, compute and output of one block (a unit of placement, such as an attention head with
// its cache) under the problem's cost profile.
#pragma once

#include <cstdint>

#include "base/ids.hpp"
#include "base/units.hpp"
#include "scheduler/core/problem.hpp"

namespace headroom::scheduler {

/// What one block costs at context T + λ, that of the next decision. Memory counts the caches of
/// all sequences in flight, but compute is that of the longest sequence alone. Under cost profile
/// `paper`, embed and lm_head cost nothing.
struct BlockCost {
    Bytes memory = 0;  ///< resident bytes; a tied lm_head counts with a matrix of its own
    Flops compute = 0; ///< FLOP per token
    /// bytes that the block sends to a block on another device that needs its output
    Bytes output = 0;
};

[[nodiscard]] BlockCost cost_of(const Problem& problem, BlockId b);
/// Returns the cost for callers that ask for many blocks and compute memory_context() only once.
[[nodiscard]] BlockCost cost_of(const Problem& problem, BlockId b, std::int64_t memory_context);

/// Returns the FLOP that a device may do per layer: C_j·T_budget, rounded down. Without a compute
/// constraint (profile `physical`) the result is kUnlimited.
[[nodiscard]] Flops compute_limit(const Problem& problem, const Snapshot::Device& device);

/// Sets the devices of embed and lm_head where a policy has no choice. If the two are pinned, they
/// go to the source. Otherwise, under cost profile `paper`, whose formulas do not charge them, they
/// stay on their previous devices, or go to the source if there are none. In all other cases the
/// function changes nothing.
void settle_ends(const Problem& problem, Placement& placement);

} // namespace headroom::scheduler
