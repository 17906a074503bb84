// Cost profile `paper`: the published block costs and per-layer delay, kept exactly for
// comparability. Source: arXiv 2505.02533 as recorded in
// docs/explanation/head-level-partitioning.md#block-costs-of-profile-paper. A formula, not an
// execution: nothing here times anything.
#pragma once

#include <cstdint>

#include "base/ids.hpp"
#include "base/units.hpp"
#include "scheduler/core/blocks.hpp"
#include "scheduler/core/fleet.hpp"
#include "scheduler/core/paper_settings.hpp"

namespace headroom::scheduler {

/// L₀ prompt tokens, n generated tokens; L = L₀ + n; b = 4 bytes per element.
struct PaperLength {
    std::int64_t prompt = 0;
    std::int64_t generated = 0;
};

/// Memory of a block: head 3·L·d·b + 3·D·d·b plus its cache n·D·b; proj L·D·b; ffn 4·L·D·b.
/// A group of q query heads counts as q heads. embed and lm_head: 0; the paper has no price for
/// slices and hubs either, here and in all that follows: 0.
[[nodiscard]] Bytes paper_memory(const Blocks& blocks, BlockId b, PaperLength length);
/// The cache part of paper_memory alone (n·D·b per head).
[[nodiscard]] Bytes paper_cache(const Blocks& blocks, BlockId b, PaperLength length);
/// Compute: head 3·L·D·d + L²·d; proj L·D²; ffn 8·L·D².
[[nodiscard]] Flops paper_compute(const Blocks& blocks, BlockId b, PaperLength length);
/// Output: head L·d·b; proj L·D·b; others 0.
[[nodiscard]] Bytes paper_output(const Blocks& blocks, BlockId b, PaperLength length);

/// D_T summed over layers, in seconds
/// (docs/explanation/head-level-partitioning.md#inference-delay-of-one-layer). Infinite in
/// granularity `sliced`: the formula is of layers with one proj and one ffn.
[[nodiscard]] double paper_delay_s(
    const Blocks& blocks,
    const Placement& placement,
    const Snapshot& snapshot,
    PaperLength length,
    PaperGather gather = PaperGather::sum
);

/// What of a moved block crosses the link: all of it, or its cache alone because every device has
/// the weights (`weights = everywhere`).
enum class PaperMoved : std::uint8_t { all, cache };

/// Bytes that a move of b sends: paper_memory, or paper_cache.
[[nodiscard]] Bytes paper_moved_bytes(
    const Blocks& blocks, BlockId b, PaperLength length, PaperMoved moved
);

/// Plain sum over moved blocks, in block order, of m_i·8/R, in seconds, sizes at `length`. 0 in
/// granularity `sliced`, whose D_T is infinite anyway.
[[nodiscard]] double paper_migration_s(
    const Blocks& blocks,
    const Placement& from,
    const Placement& to,
    const Snapshot& snapshot,
    PaperLength length,
    PaperMoved moved = PaperMoved::all
);

} // namespace headroom::scheduler
