// The memory, compute and output of one block (a unit of placement, such as an attention head with
// its cache) under the problem's cost profile, `physical` or `paper`.
#pragma once

#include <cstdint>

#include "base/ids.hpp"
#include "base/units.hpp"
#include "scheduler/core/problem.hpp"

namespace headroom::scheduler {

/// What one block costs at context T + λ: T tokens now in the cache and λ until the next decision.
/// Memory includes the caches of all sequences in flight. Compute and output are those of one step
/// of the longest sequence. Under cost profile `paper`, embed and lm_head cost nothing.
struct BlockCost {
    /// The resident bytes. They do not depend on the placement, so a tied lm_head counts with a
    /// matrix of its own, although it needs none on the device of embed.
    Bytes memory = 0;
    Flops compute = 0;
    Bytes output = 0; ///< bytes that the block sends to a device that needs its output
};

[[nodiscard]] BlockCost cost_of(const Problem& problem, BlockId b);
/// Does the same for callers with many blocks, who compute problem.memory_rows() only once.
[[nodiscard]] BlockCost cost_of(const Problem& problem, BlockId b, const CacheRows& memory_rows);

/// Returns the most FLOP that a device may do per layer: its rate times the setting T_budget,
/// rounded down. Under cost profile `physical`, which has no such limit, returns kUnlimited.
[[nodiscard]] Flops compute_limit(const Problem& problem, const Snapshot::Device& device);

/// Places embed and lm_head if the policy has no choice. If the two are pinned, they go to the
/// source, the device where prompts come in. If they are not pinned and the cost profile is
/// `paper`, they stay where they were or, without a previous placement, go to the source. The
/// reason is that the paper's formulas give these blocks no costs. In all other cases, and for a
/// model without the two, the function changes nothing.
void settle_ends(const Problem& problem, Placement& placement);

} // namespace headroom::scheduler
