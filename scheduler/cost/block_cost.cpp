#include "scheduler/cost/block_cost.hpp"

#include <cmath>

#include "scheduler/core/paper_costs.hpp"

namespace headroom::scheduler {
namespace {

/// Returns the bytes that a block sends per token (docs/explanation/blocks.md#physical-costs). With
/// granularity `sliced`, a group or slice alone sends a partial sum, which is as wide as x.
Bytes physical_output(const Blocks& blocks, BlockKind kind) {
    const ModelShape& shape = blocks.shape();
    switch (kind) {
    case BlockKind::group:
        return blocks.sliced() ? shape.width * kFloatBytes
                               : shape.heads_per_group() * shape.head_width() * kFloatBytes;
    case BlockKind::lm_head:
        return kTokenIdBytes;
    default:
        return shape.width * kFloatBytes;
    }
}

} // namespace

BlockCost cost_of(const Problem& problem, BlockId b) {
    return cost_of(problem, b, problem.memory_rows());
}

BlockCost cost_of(const Problem& problem, BlockId b, const CacheRows& memory_rows) {
    const Blocks& blocks = *problem.blocks;
    if (problem.cost_profile == CostProfile::paper) {
        const PaperLength length = problem.paper_cost_length();
        return {
            paper_memory(blocks, b, length),
            paper_compute(blocks, b, length),
            paper_output(blocks, b, length)};
    }
    return {
        blocks.matrix_bytes(b) + blocks.norm_bytes(b) + blocks.cache_row_bytes(b, memory_rows),
        blocks.flops(b, problem.horizon() - 1, 1),
        physical_output(blocks, blocks.name(b).kind)};
}

Flops compute_limit(const Problem& problem, const Snapshot::Device& device) {
    constexpr double kBeyond = 0x1.0p63;
    if (problem.cost_profile == CostProfile::physical || device.compute == kUnlimited) {
        return kUnlimited;
    }
    const double limit = std::floor(static_cast<double>(device.compute) * problem.t_budget_s);
    return limit < kBeyond ? static_cast<Flops>(limit) : kUnlimited;
}

void settle_ends(const Problem& problem, Placement& placement) {
    const Blocks& blocks = *problem.blocks;
    const bool paper = problem.cost_profile == CostProfile::paper;
    if (!blocks.shape().has_ends || !(paper || problem.ends_at_source)) {
        return;
    }
    for (const BlockId b : {blocks.embed(), blocks.lm_head()}) {
        const bool stays = problem.previous && !problem.ends_at_source;
        placement[b.index()] = stays ? (*problem.previous)[b.index()] : problem.source;
    }
}

} // namespace headroom::scheduler
