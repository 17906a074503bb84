// Cost profile `paper`: the published formulas (arXiv 2505.02533) for the memory, compute, output
// and delay of blocks (the units of placement, such as an attention head with its cache). Under
// this cost profile policies minimise these delays; executions are never timed by the formulas.
// See docs/explanation/head-level-partitioning.md#block-costs-of-profile-paper.
#pragma once

#include <cstdint>

#include "base/ids.hpp"
#include "base/units.hpp"
#include "scheduler/core/blocks.hpp"
#include "scheduler/core/fleet.hpp"

namespace headroom::scheduler {

/// How D_T, the published inference delay, charges the transfers of head outputs to the device of
/// proj: with the sum of the times of all sending devices, or with the longest of these times.
enum class PaperGather : std::uint8_t { sum, max };

/// How the score S(i, j) of block i on device j (construct/paper_score.hpp) follows from the terms
/// for compute, memory and communication: as the largest of them, or as their sum with weights 0.4,
/// 0.3 and 0.3.
enum class PaperScore : std::uint8_t { max, weighted };

/// Settings for what the published method leaves open.
struct PaperSettings {
    PaperGather gather = PaperGather::sum;
    PaperScore score = PaperScore::max;
    std::int64_t backtracks = 1000; ///< how many evictions policy `paper` may try per decision
    bool operator==(const PaperSettings&) const = default;
};

/// The length of a sequence. In the formulas below L = L₀ + n, b = 4 bytes per element, D is the
/// width of the model and d that of a head.
struct PaperLength {
    std::int64_t prompt = 0;    ///< L₀, tokens of the prompt
    std::int64_t generated = 0; ///< n, generated tokens
};

// The paper has costs for heads, proj and ffn. A group (K/V head with q query heads) counts as q
// heads. All costs of embed, lm_head, slices and hubs are 0.

/// Returns the memory of a block: L·D·b for proj, 4·L·D·b for ffn, and 3·L·d·b + 3·D·d·b plus the
/// cache n·D·b for a head. The published formula of a head's cache has D, not d.
[[nodiscard]] Bytes paper_memory(const Blocks& blocks, BlockId b, PaperLength length);
/// Returns the part of paper_memory that is KV cache: n·D·b for a head, 0 for others.
[[nodiscard]] Bytes paper_cache(const Blocks& blocks, BlockId b, PaperLength length);
/// Returns the FLOP of a block: 3·L·D·d + L²·d for a head, L·D² for proj, 8·L·D² for ffn.
[[nodiscard]] Flops paper_compute(const Blocks& blocks, BlockId b, PaperLength length);
/// Returns the bytes of the output of a block: L·d·b for a head, L·D·b for proj, 0 for others.
[[nodiscard]] Bytes paper_output(const Blocks& blocks, BlockId b, PaperLength length);

/// Returns D_T, the published inference delay, summed over all layers, in seconds. In granularity
/// `sliced` D_T is infinite, because the formula is only for layers with a proj and an ffn. See
/// docs/explanation/head-level-partitioning.md#inference-delay-of-one-layer.
[[nodiscard]] double paper_delay_s(
    const Blocks& blocks,
    const Placement& placement,
    const Snapshot& snapshot,
    PaperLength length,
    PaperGather gather = PaperGather::sum
);

/// Returns the bytes that a migration of block b sends: paper_memory, or only paper_cache if every
/// device has all weights in its storage (`controller.weights = "everywhere"`).
[[nodiscard]] Bytes paper_moved_bytes(
    const Blocks& blocks, BlockId b, PaperLength length, bool weights_everywhere
);

/// Returns work / rate in seconds: 0 for no work or an unlimited rate, infinity for work at rate 0.
[[nodiscard]] double seconds(std::int64_t work, PerSecond rate);

/// Returns the published D_mig (time to migrate) in seconds: paper_moved_bytes / bandwidth of the
/// link, summed over all moved blocks. Returns 0 in granularity `sliced`, for which there are no
/// formulas; D_T is infinite there, so no objective is finite.
[[nodiscard]] double paper_migration_s(
    const Blocks& blocks,
    const Placement& from,
    const Placement& to,
    const Snapshot& snapshot,
    PaperLength length,
    bool weights_everywhere = false
);

} // namespace headroom::scheduler
