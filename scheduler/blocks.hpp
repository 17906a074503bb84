// The blocks of a shape in their canonical order, and what each costs (profile `physical`).
// Source: systems.md §1, table "Block costs - profile physical"; granularity `paper`.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/block.hpp"
#include "base/ids.hpp"
#include "base/units.hpp"
#include "scheduler/shape.hpp"

namespace headroom::scheduler {

/// Cache rows are allocated in pages of this many tokens.
inline constexpr std::int64_t kPageTokens = 16;

/// block -> device, indexed by BlockId in canonical order.
using Placement = std::vector<DeviceId>;

/// Canonical block order: embed; per layer its groups, proj, ffn; lm_head (without ends: no embed
/// and no lm_head). Ids are dense and start at 0.
class Blocks {
  public:
    explicit Blocks(ModelShape shape);

    [[nodiscard]] const ModelShape& shape() const { return shape_; }
    [[nodiscard]] std::size_t size() const { return names_.size(); }
    [[nodiscard]] const BlockName& name(BlockId b) const { return names_[b.index()]; }
    [[nodiscard]] BlockId embed() const;   ///< precondition: shape().ends
    [[nodiscard]] BlockId lm_head() const; ///< precondition: shape().ends
    [[nodiscard]] BlockId group(std::int32_t layer, std::int32_t group) const;
    [[nodiscard]] BlockId proj(std::int32_t layer) const;
    [[nodiscard]] BlockId ffn(std::int32_t layer) const;
    [[nodiscard]] std::int32_t groups() const { return shape_.kv_heads; } ///< per layer

    /// Bytes of the block's matrices, without norms.
    [[nodiscard]] Bytes matrix_bytes(BlockId b) const { return matrix_[b.index()]; }
    /// Bytes of the F32 norm weights that live with the block.
    [[nodiscard]] Bytes norm_bytes(BlockId b) const { return norm_[b.index()]; }
    /// matrix + norm bytes under a placement: a tied lm_head beside embed has no matrix of its own.
    [[nodiscard]] Bytes weight_bytes(BlockId b, const Placement& placement) const;
    /// Cache bytes allocated at context T: whole pages; 0 for all but groups.
    [[nodiscard]] Bytes cache_bytes(BlockId b, std::int64_t context) const;
    /// Bytes of `rows` used cache rows, as a migration sends them; 0 for all but groups.
    [[nodiscard]] Bytes cache_row_bytes(BlockId b, std::int64_t rows) const;
    /// weight_bytes + cache_bytes.
    [[nodiscard]] Bytes resident_bytes(BlockId b, std::int64_t context, const Placement& placement)
        const;

    /// FLOP of n tokens at contexts first+1 … first+n (decode: n = 1, first = T−1), summed exactly.
    /// lm_head runs once whatever n is.
    [[nodiscard]] Flops flops(BlockId b, std::int64_t first, std::int64_t n) const;
    /// Bytes touched by the same: the weights once + 2·(first+n)·d·k for a group.
    [[nodiscard]] Bytes touched_bytes(BlockId b, std::int64_t first, std::int64_t n) const;

  private:
    ModelShape shape_;
    std::vector<BlockName> names_;
    std::vector<Bytes> matrix_;
    std::vector<Bytes> norm_;
};

/// What a device allocates besides blocks while it holds any: activations, scores, logits, ropes
/// and the migration staging buffer. The closed form, the same in scheduler and runtime, n = most
/// tokens of one turn (the longest prompt's chunk), T = the shape's context, S = staging_bytes:
///   4·( n·(5·D + 2·F) + (q+3)·d·n + T + V ) + S
/// (x, normed x, proj's input, proj's output, ffn's output: n·D each; gate and up: n·F each; one
/// group's queries, key and value, and the rope's angles; attention scores; logits).
[[nodiscard]] Bytes buffer_bytes(const ModelShape& shape, std::int64_t tokens_per_turn);

/// Largest piece in which blocks are stored and migrated, and the staging buffer that bounds what a
/// device holds on the way: max(64 KiB, the longest stored row).
[[nodiscard]] Bytes staging_bytes(const ModelShape& shape);

} // namespace headroom::scheduler
