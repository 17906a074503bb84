// The blocks of a model (the units of placement, such as an attention head with its cache), and the
// memory and work of each block under cost profile `physical`.
// docs/explanation/blocks.md#physical-costs defines the letters in the formulas.
#pragma once

#include <cstdint>
#include <vector>

#include "base/block.hpp"
#include "base/ids.hpp"
#include "base/model_shape.hpp"
#include "base/units.hpp"
#include "scheduler/core/cut.hpp"

namespace headroom::scheduler {

/// Bytes of one number of an activation or of a norm.
inline constexpr Bytes kFloatBytes = 4;
/// Bytes of the id of a sampled token in a message.
inline constexpr Bytes kTokenIdBytes = 4;

/// Tokens of one page of a KV cache.
inline constexpr std::int64_t kPageTokens = 16;

/// The device of each block, indexed by BlockId in canonical order.
using Placement = std::vector<DeviceId>;

/// All blocks of a model. Their ids start at 0 and have no gaps. The canonical order is embed, then
/// the groups (K/V heads with their query heads), proj and ffn of each layer (in granularity
/// `sliced`, see cut.hpp, its groups, slices and hub), then lm_head. Without shape().has_ends there
/// is no embed and no lm_head.
class Blocks {
  public:
    explicit Blocks(ModelShape shape, Cut cut = {});

    [[nodiscard]] const ModelShape& shape() const { return shape_; }
    [[nodiscard]] const Cut& cut() const { return cut_; }
    [[nodiscard]] bool sliced() const { return cut_.sliced(); }
    [[nodiscard]] std::size_t size() const { return names_.size(); }
    [[nodiscard]] const BlockName& name(BlockId b) const { return names_[b.index()]; }
    [[nodiscard]] BlockId embed() const;   ///< Precondition: shape().has_ends.
    [[nodiscard]] BlockId lm_head() const; ///< Precondition: shape().has_ends.
    [[nodiscard]] BlockId group(std::int32_t layer, std::int32_t group) const;
    [[nodiscard]] BlockId proj(std::int32_t layer) const; ///< Precondition: not sliced().
    [[nodiscard]] BlockId ffn(std::int32_t layer) const;  ///< Precondition: not sliced().
    /// Precondition: sliced().
    [[nodiscard]] BlockId slice(std::int32_t layer, std::int32_t slice) const;
    [[nodiscard]] BlockId hub(std::int32_t layer) const; ///< Precondition: sliced().
    /// Returns the block of a layer (its ffn or its hub) that computes x, the input of the next
    /// layer. That block's device sends x to the devices of the next layer.
    [[nodiscard]] BlockId activation_block(std::int32_t layer) const {
        return sliced() ? hub(layer) : ffn(layer);
    }
    [[nodiscard]] std::int32_t groups() const { return shape_.kv_heads; } ///< number per layer
    [[nodiscard]] std::int32_t slices() const { return cut_.slices; }     ///< number per layer
    [[nodiscard]] std::int32_t blocks_per_layer() const {
        return groups() + (sliced() ? slices() + 1 : 2);
    }

    /// Returns the bytes of the block's matrices, without norms.
    [[nodiscard]] Bytes matrix_bytes(BlockId b) const { return matrix_[b.index()]; }
    /// Returns the bytes of the block's F32 norm weights.
    [[nodiscard]] Bytes norm_bytes(BlockId b) const { return norm_[b.index()]; }
    /// Returns the bytes of matrices and norms under a placement. A tied lm_head on the device of
    /// embed has no matrix of its own.
    [[nodiscard]] Bytes weight_bytes(BlockId b, const Placement& placement) const;
    /// Returns the bytes of the pages of a group's KV cache at this context; 0 for other blocks.
    [[nodiscard]] Bytes cache_bytes(BlockId b, std::int64_t context) const;
    /// Returns the bytes that a migration sends for `rows` cache rows of a group; 0 for others.
    [[nodiscard]] Bytes cache_row_bytes(BlockId b, std::int64_t rows) const;
    /// Returns weight_bytes + cache_bytes.
    [[nodiscard]] Bytes resident_bytes(BlockId b, std::int64_t context, const Placement& placement)
        const;

    /// Returns the FLOP of the block in a turn (a forward pass of one sequence) of n tokens at
    /// contexts first+1 … first+n. A decode turn at context T has n = 1 and first = T−1. lm_head
    /// runs for the last token only.
    [[nodiscard]] Flops flops(BlockId b, std::int64_t first, std::int64_t n) const;
    /// Returns the bytes of weights and KV cache that such a turn reads: the matrices once, and
    /// 2·(first+n)·d·k bytes of cache for a group. If a cut goes through a quantisation block, the
    /// groups (or slices) of a layer store different numbers of bytes. Each is charged the bytes of
    /// the largest, so that all take equally long on one device.
    [[nodiscard]] Bytes touched_bytes(BlockId b, std::int64_t first, std::int64_t n) const;

  private:
    void add(BlockName name, Bytes matrix, Bytes norms);
    void add_layer(std::int32_t layer, Bytes norms);
    void equalise_touched(BlockId first, std::int32_t count);
    [[nodiscard]] BlockId block_of_layer(std::int32_t layer, std::int32_t n) const;

    ModelShape shape_;
    Cut cut_;
    std::vector<BlockName> names_;
    std::vector<Bytes> matrix_;
    std::vector<Bytes> norm_;
    std::vector<Bytes> touched_; ///< bytes of the matrices that a turn is charged for reading
};

/// The cost of computing a block once for several joined turns (forward passes of different
/// sequences): the FLOP of all turns, one pass over the weights, and the KV caches of all turns.
struct OperationCost {
    Flops flops = 0;
    Bytes touched = 0;      ///< bytes of weights and caches that the operation reads
    bool has_turns = false; ///< whether add() has been called
    /// Adds a turn of n tokens at contexts first+1 … first+n.
    void add(const Blocks& blocks, BlockId b, std::int64_t first, std::int64_t n);
};

/// The sizes on which the buffers of a device depend.
struct TurnSizes {
    std::int64_t tokens = 1; ///< n, the most tokens of one turn: a prompt, or a chunk of a prompt
    std::int64_t slots = 1;  ///< m, the most sequences in flight at once
    std::int64_t joined = 1; ///< j, the most turns that are joined into one batch
};

/// Returns the bytes that a device allocates besides its blocks, if it has any block: activations,
/// attention scores, logits, angles of the rotary embedding and the staging buffer of migrations.
/// With n, m and j of `sizes`, r = max(n, j), T = shape.context and S = staging_bytes, the result
/// is
///   4·( n·m·(4·D + d) + r·(D + 2·F + (q+2)·d) + T + j·V ) + S.
/// Each slot (place of a sequence in flight) has x (the residual stream), normed x, the input and
/// the output of proj (n·D each) and the angles (n·d). All slots share the output of ffn (r·D),
/// gate and up (r·F each), the queries, key and value of one group, the scores of one row, and
/// logits. In granularity `sliced` with s slices:
///   4·( n·(m·(6·D + d) + 2·D) + r·(F/s + c + h + (q+2)·d) + T + j·V ) + S.
/// Each slot has x, normed x, the sum after attention and the partial sum of one block (n·D each),
/// the partial sum of the device (n·D numbers of 8 bytes) and the angles. All slots share a
/// received partial sum (n·D numbers of 8 bytes), up and gate of one slice (r·F/s and r·c), the
/// head outputs of one group (r·h) and, as above, queries, key, value, scores and logits. c and h
/// are defined below. With Reduce::ring every device stores all norm weights, which adds
/// 4·D·2·layers.
[[nodiscard]] Bytes buffer_bytes(
    const ModelShape& shape, const TurnSizes& sizes, const Cut& cut = {}
);

/// Returns h, the largest number of columns of the matrix o (attention's output projection) that a
/// group stores. With quantisation blocks of E elements, a group that needs w = q·d columns stores
/// all of those that it needs a part of, up to ⌈(w + E − gcd(w, E)) / E⌉·E columns.
[[nodiscard]] std::int64_t max_head_columns(const ModelShape& shape);
/// Returns c, the largest number of columns of the matrix `down` that a slice stores: the formula
/// of h with w = F/s. Precondition: cut.sliced().
[[nodiscard]] std::int64_t max_hidden_columns(const ModelShape& shape, const Cut& cut);

/// Returns the size of the staging buffer, through which a migrating block passes in pieces: 64
/// KiB, or the longest stored row if that is longer. No piece is larger.
[[nodiscard]] Bytes staging_bytes(const ModelShape& shape);

} // namespace headroom::scheduler
