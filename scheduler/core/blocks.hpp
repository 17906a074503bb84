// The blocks of a model (the units of placement, such as an attention head with its cache). Memory
// and work of a block are those of cost profile `physical`, by which all executions are timed. The
// formulas use the letters of docs/explanation/blocks.md#physical-costs.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/block.hpp"
#include "base/ids.hpp"
#include "base/model_shape.hpp"
#include "base/units.hpp"
#include "scheduler/core/cut.hpp"

namespace headroom::scheduler {

/// Bytes of one element of an activation or of a norm's weights.
inline constexpr Bytes kFloatBytes = 4;
/// Bytes of the id of a sampled token in a message.
inline constexpr Bytes kTokenIdBytes = 4;

/// The number of tokens whose keys and values one page of a KV cache holds.
inline constexpr std::int64_t kPageTokens = 16;

/// The device of each block, indexed by BlockId.
using Placement = std::vector<DeviceId>;

/// The work with the weights of one type in a block, for one token.
struct WeightWork {
    WeightType type = WeightType::f32;
    Flops flops = 0;
    Bytes touched = 0; ///< bytes that an operation reads once, however many tokens it has
    bool operator==(const WeightWork&) const = default;
};

/// All blocks of a model. Their ids count from 0 in the canonical order: embed first, then the
/// blocks of each layer, lm_head last. The blocks of a layer are its groups (K/V heads with their
/// query heads), proj and ffn; in granularity `sliced` (cut.hpp) its groups, slices and hub. If
/// shape().has_ends is false, there is no embed and no lm_head.
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
    /// layer. The device of this block sends x to the devices of the next layer.
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
    /// Returns the bytes of the block's matrices and norms. They depend on the placement, because
    /// a tied lm_head (one that uses embed's matrix) stores no matrix on the device of embed.
    [[nodiscard]] Bytes weight_bytes(BlockId b, const Placement& placement) const;
    /// Returns the bytes of the pages of a group's cache for `context` tokens; 0 for other blocks.
    [[nodiscard]] Bytes cache_bytes(BlockId b, std::int64_t context) const;
    /// Returns the bytes of `rows` rows (one per token) of a group's KV cache; 0 for other blocks.
    /// A migration sends the used rows only, not whole pages.
    [[nodiscard]] Bytes cache_row_bytes(BlockId b, std::int64_t rows) const;
    /// Returns weight_bytes + cache_bytes.
    [[nodiscard]] Bytes resident_bytes(BlockId b, std::int64_t context, const Placement& placement)
        const;

    /// Returns the FLOP of the block in a turn (a forward pass of one sequence) of n tokens, whose
    /// contexts (numbers of tokens that they attend to) are first+1 … first+n. A decode turn at
    /// context T has n = 1 and first = T−1. lm_head is computed for the last token only.
    [[nodiscard]] Flops flops(BlockId b, std::int64_t first, std::int64_t n) const;
    /// Returns the work with the weights of the block by type, in the order of the types. The rest
    /// of flops() is attention, the rest of touched_bytes() is the KV cache.
    [[nodiscard]] std::span<const WeightWork> weights(BlockId b) const {
        const WorkRange range = work_ranges_[b.index()];
        return std::span(work_).subspan(range.first, range.count);
    }
    /// Returns the bytes of weights and KV cache that the block reads in a turn of n tokens. Every
    /// block except embed reads its matrices once. A group also reads 2·(first+n)·d·k bytes of
    /// cache: the keys and the values of first+n tokens, with k = shape().kv_bytes bytes per
    /// element. If a cut goes through a quantisation block (weights with a common scale), both
    /// neighbours store it, so the groups (or slices) of a layer can differ in size. Each is
    /// charged the matrix bytes of the largest, so that all take equally long on one device.
    [[nodiscard]] Bytes touched_bytes(BlockId b, std::int64_t first, std::int64_t n) const;

  private:
    void add(BlockName name, Bytes matrix, Bytes norms);
    void add_layer(std::int32_t layer, Bytes norms);
    void equalise_touched(BlockId first, std::int32_t count);
    void set_work(BlockId first, std::int32_t count, const std::vector<WeightWork>& matrices);
    void set_layer_work(std::int32_t layer);
    [[nodiscard]] BlockId block_of_layer(std::int32_t layer, std::int32_t n) const;

    ModelShape shape_;
    Cut cut_;
    std::vector<BlockName> names_;
    std::vector<Bytes> matrix_;
    std::vector<Bytes> norm_;
    std::vector<Bytes> touched_; ///< bytes of matrices that a turn is charged for reading
    /// The elements of work_ that belong to a block. Equal units of a layer share them.
    struct WorkRange {
        std::size_t first = 0;
        std::size_t count = 0;
    };
    std::vector<WeightWork> work_;
    std::vector<WorkRange> work_ranges_;
};

/// The cost of computing a block once for several turns that form a batch: the FLOP of all turns,
/// one pass over the weights, and the KV caches of all turns.
struct OperationCost {
    Flops flops = 0;
    Bytes touched = 0;       ///< bytes of weights and caches that the operation reads
    bool has_turns = false;  ///< whether add() has been called, so that the weights are counted
    std::int64_t tokens = 0; ///< number of vectors that the weights are multiplied with
    std::span<const WeightWork> weights{}; ///< shares in flops (per token) and in touched
    /// Adds a turn of n tokens at contexts first+1 … first+n.
    void add(const Blocks& blocks, BlockId b, std::int64_t first, std::int64_t n);
    /// Returns the work with the weights of one type; none if the block has no such weights.
    [[nodiscard]] WeightWork of(WeightType type) const;
    /// Subtracts the work with the weights of one type.
    void leave_out(WeightType type);
};

/// A message shares the medium of its sender, and another one of its receiver, with the messages of
/// its phase (media.hpp). Its bytes count as often as these numbers say; 0: there is no medium, or
/// it is that of the sender.
struct MediaShares {
    std::int32_t sender = 0;
    std::int32_t receiver = 0;
    bool operator==(const MediaShares&) const = default;
};

/// The limits of a run on which the size of a device's buffers depends.
struct TurnSizes {
    /// The most tokens in a turn, n: those of a whole prompt, or of a chunk of a prompt.
    std::int64_t tokens = 1;
    std::int64_t slots = 1;  ///< m, the largest number of sequences in flight at once
    std::int64_t joined = 1; ///< j, the largest number of turns in one batch
};

/// Returns the bytes of the buffers of a device that has any block: activations, attention scores,
/// logits, angles of the rotary embedding and the staging buffer of migrations. With n, m and j of
/// `sizes`, r = max(n, j), T = shape.context and S = staging_bytes, the result is
///   4·( n·m·(4·D + d) + r·(D + 2·F + (q+2)·d) + T + j·V ) + S.
/// Each slot (place of a sequence in flight) has x (the residual stream), normed x, the input and
/// the output of proj (n·D each) and the angles (n·d). All slots share the output of ffn (r·D),
/// gate and up (r·F each), the queries, key and value of one group (r·(q+2)·d), the scores of one
/// query (T) and the logits (j·V). In granularity `sliced` with s slices the result is
///   4·( n·(m·(6·D + d) + 2·D) + r·(F/s + c + h + (q+2)·d) + T + j·V ) + S.
/// Each slot has x, normed x, the sum after attention and the partial sum of one block (n·D each),
/// the partial sum of the device (n·D fixed-point numbers of 8 bytes) and the angles. All slots
/// share a received partial sum (n·D numbers of 8 bytes), the head outputs of one group (r·h) and,
/// as above, queries, key, value, scores and logits. They also share up (r·F/s) and gate (r·c) of
/// one slice. gate has more columns than up, because it becomes the input of `down`, of which a
/// slice stores c columns. max_hidden_columns returns c, max_head_columns h. With Reduce::ring
/// every device applies all norms itself and stores their weights, which adds 4·D·2·layers.
[[nodiscard]] Bytes buffer_bytes(
    const ModelShape& shape, const TurnSizes& sizes, const Cut& cut = {}
);

/// Returns h, the largest number of columns of the matrix o (attention's output projection) that a
/// group in granularity `sliced` stores. A group uses w = q·d columns, but stores whole
/// quantisation blocks of E elements. The group's first column can be at any multiple of gcd(w, E)
/// in a quantisation block, so the group stores up to ⌈(w + E − gcd(w, E)) / E⌉·E columns.
[[nodiscard]] std::int64_t max_head_columns(const ModelShape& shape);
/// Returns c, the largest number of columns of the matrix `down` that a slice stores, by the
/// formula of h with w = F/s. Precondition: cut.sliced().
[[nodiscard]] std::int64_t max_hidden_columns(const ModelShape& shape, const Cut& cut);

/// Returns the size of the staging buffer, through which a migrating block passes in pieces. It is
/// 64 KiB, or the size of the longest stored row of a matrix or norm if that row is larger.
[[nodiscard]] Bytes staging_bytes(const ModelShape& shape);

} // namespace headroom::scheduler
