// The blocks of a model (the units of placement, such as an attention head with its cache). Memory
// and work of a block are those of cost profile `physical`, by which all executions are timed. The
// formulas use the letters of docs/explanation/blocks.md#physical-costs.
#pragma once

#include <array>
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
/// Bytes of the two sums of squares of a group and token, where queries and keys are normalised
/// over all heads together: two doubles.
inline constexpr Bytes kNormSumBytes = 16;

/// The number of tokens whose keys and values one page of a KV cache holds.
inline constexpr std::int64_t kPageTokens = 16;

/// The device of each block, indexed by BlockId.
using Placement = std::vector<DeviceId>;

/// The work with the weights of one type in a block, for one token.
struct WeightWork {
    WeightType type = WeightType::f32;
    Flops flops = 0;
    Bytes touched = 0; ///< bytes that an operation reads once, however many tokens it has
    /// Bytes of one expert of a mixture of experts, read for each expert that an operation uses.
    Bytes expert = 0;
    bool operator==(const WeightWork&) const = default;
};

/// The parts in which a block is computed. Most blocks are one operation, `whole`. If queries and
/// keys are normalised over all heads of a token together (QkNorm::width), a group is two:
/// `products`, the rows of q, k and v, and `rest`: the norms, the rotation, attention and, in
/// granularity `sliced`, its columns of o. Between them the devices exchange the sums of squares
/// that the norms need.
enum class BlockPart : std::uint8_t { whole, products, rest };

/// Rows (one per token) of the KV caches of one sequence, or summed over sequences: of a group in a
/// layer without a window, and of a group in a layer with one.
struct CacheRows {
    std::int64_t all = 0;
    std::int64_t windowed = 0;

    CacheRows& operator+=(const CacheRows& other) {
        all += other.all;
        windowed += other.windowed;
        return *this;
    }
    CacheRows& operator-=(const CacheRows& other) {
        all -= other.all;
        windowed -= other.windowed;
        return *this;
    }
    bool operator==(const CacheRows&) const = default;
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
    /// Returns whether a group is two operations, BlockPart::products and then BlockPart::rest.
    [[nodiscard]] bool splits_groups() const { return shape_.qk_norm == QkNorm::width; }
    /// Returns the parts in which the block is computed, in order.
    [[nodiscard]] std::span<const BlockPart> parts_of(BlockId b) const;
    [[nodiscard]] std::int32_t groups() const { return shape_.kv_heads; } ///< number per layer
    [[nodiscard]] std::int32_t slices() const { return cut_.slices; }     ///< number per layer
    [[nodiscard]] std::int32_t blocks_per_layer() const {
        return groups() + (sliced() ? slices() + 1 : 2);
    }

    /// Returns the bytes of the block's matrices, without norms and biases.
    [[nodiscard]] Bytes matrix_bytes(BlockId b) const { return matrix_[b.index()]; }
    /// Returns the bytes of the block's F32 vectors: norm weights and biases.
    [[nodiscard]] Bytes norm_bytes(BlockId b) const { return norm_[b.index()]; }
    /// Returns the bytes of the block's matrices and norms. They depend on the placement, because
    /// a tied lm_head (one that uses embed's matrix) stores no matrix on the device of embed.
    [[nodiscard]] Bytes weight_bytes(BlockId b, const Placement& placement) const;
    /// Returns the window of the block's layer, n: its tokens attend to the last n tokens only, and
    /// its caches keep the last n − 1 of them. 0: no window, or a block of no layer.
    [[nodiscard]] std::int64_t window(BlockId b) const {
        return name(b).layer < 0 ? 0 : shape_.window_of(name(b).layer);
    }
    /// Returns whether the blocks of two layers have equal sizes and costs.
    [[nodiscard]] bool alike(std::int32_t layer, std::int32_t other) const;
    /// Returns the rows that caches keep of a sequence of `tokens` tokens: all of them, or
    /// min(tokens, n − 1) if the layer has a window of n tokens.
    [[nodiscard]] CacheRows kept_rows(std::int64_t tokens) const;
    /// Returns the sum for sequences of so many tokens.
    [[nodiscard]] CacheRows kept_rows(std::span<const std::int64_t> sequences) const;
    /// Returns the rows of the pages that hold these: ⌈tokens/16⌉ pages of 16 rows, or
    /// min(⌈tokens/16⌉, ⌈(n − 1)/16⌉ + 1) pages if the layer has a window of n tokens.
    [[nodiscard]] CacheRows paged_rows(std::int64_t tokens) const;
    /// Returns the bytes of the pages of a group's cache for one sequence of `context` tokens; 0
    /// for other blocks.
    [[nodiscard]] Bytes cache_bytes(BlockId b, std::int64_t context) const {
        return cache_row_bytes(b, paged_rows(context));
    }
    /// Returns the bytes of so many rows of a group's KV caches; 0 for other blocks.
    [[nodiscard]] Bytes cache_row_bytes(BlockId b, const CacheRows& rows) const;
    /// Returns the bytes of the rows that a group's cache keeps of one sequence of `tokens` tokens;
    /// 0 for other blocks. A migration sends these rows only, not whole pages.
    [[nodiscard]] Bytes cache_row_bytes(BlockId b, std::int64_t tokens) const {
        return cache_row_bytes(b, kept_rows(tokens));
    }
    /// Returns weight_bytes and the bytes of the pages of so many rows.
    [[nodiscard]] Bytes resident_bytes(
        BlockId b, const CacheRows& paged, const Placement& placement
    ) const {
        return weight_bytes(b, placement) + cache_row_bytes(b, paged);
    }
    /// Returns weight_bytes + cache_bytes.
    [[nodiscard]] Bytes resident_bytes(BlockId b, std::int64_t context, const Placement& placement)
        const {
        return resident_bytes(b, paged_rows(context), placement);
    }

    /// Returns the FLOP of the block in a turn (a forward pass of one sequence) of n tokens, whose
    /// contexts (numbers of tokens up to and with their own) are first+1 … first+n. They attend to
    /// as many tokens, but in a layer with a window to no more than the window. A decode turn at
    /// context T has n = 1 and first = T−1. lm_head is computed for the last token only. The parts
    /// of a group, `products` and `rest`, add up to the whole.
    [[nodiscard]] Flops flops(
        BlockId b, std::int64_t first, std::int64_t n, BlockPart part = BlockPart::whole
    ) const;
    /// Returns the work with the weights of the block by type, in the order of the types. The rest
    /// of flops() is attention, the rest of touched_bytes() is the KV cache.
    [[nodiscard]] std::span<const WeightWork> weights(BlockId b, BlockPart part = BlockPart::whole)
        const {
        const WorkRange range = work_ranges_[static_cast<std::size_t>(part)][b.index()];
        return std::span(work_).subspan(range.first, range.count);
    }
    /// Returns the bytes of weights and KV cache that the block reads in a turn of n tokens. Every
    /// block except embed reads its matrices once; of a mixture of experts an ffn reads its router
    /// (F32, one row per expert) and min(E, n·k) of its E experts, of which a token uses k. A group
    /// also reads cache_touched_bytes(). If a cut goes through a quantisation block (weights with a
    /// common scale), both neighbours store it, so the groups (or slices) of a layer can differ in
    /// size. Each is charged the matrix bytes of the largest, so that all take equally long on one
    /// device. The parts of a group, `products` (the matrices q, k and v) and `rest`, add up to the
    /// whole.
    [[nodiscard]] Bytes touched_bytes(
        BlockId b, std::int64_t first, std::int64_t n, BlockPart part = BlockPart::whole
    ) const;
    /// Returns the bytes of weights that an operation with this number of tokens reads.
    [[nodiscard]] Bytes touched_weights(
        BlockId b, std::int64_t tokens, BlockPart part = BlockPart::whole
    ) const;
    /// Returns the bytes of keys and values that a group reads in a turn of n tokens:
    /// 2·(first+n)·d·k with k bytes per element as stored, or 2·(min(first, w−1)+n)·d·k in a layer
    /// with a window of w tokens; 0 for other blocks.
    [[nodiscard]] Bytes cache_touched_bytes(BlockId b, std::int64_t first, std::int64_t n) const;

  private:
    void add(BlockName name, Bytes matrix, Bytes norms);
    void add_layer(std::int32_t layer, Bytes norm);
    void equalise_touched(BlockId first, std::int32_t count);
    void set_work(
        BlockId first,
        std::int32_t count,
        const std::vector<WeightWork>& matrices,
        BlockPart part = BlockPart::whole
    );
    void set_group_work(
        std::int32_t layer,
        const std::vector<WeightWork>& products,
        const std::vector<WeightWork>& rest
    );
    [[nodiscard]] Flops whole_flops(BlockId b, std::int64_t first, std::int64_t n) const;
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
    std::array<std::vector<WorkRange>, 3> work_ranges_; ///< [part][block]
};

/// The cost of computing a block once for several turns that form a batch: the FLOP of all turns,
/// one pass over the weights, and the KV caches of all turns.
struct OperationCost {
    Flops flops = 0;
    Bytes touched = 0;       ///< bytes of weights and caches that the operation reads
    bool has_turns = false;  ///< whether add() has been called, so that the weights are counted
    std::int64_t tokens = 0; ///< number of vectors that the weights are multiplied with
    std::span<const WeightWork> weights{}; ///< shares in flops (per token) and in touched
    std::int64_t experts = 0;              ///< number of experts that the operation reads
    /// Adds a turn of n tokens at contexts first+1 … first+n.
    void add(
        const Blocks& blocks,
        BlockId b,
        std::int64_t first,
        std::int64_t n,
        BlockPart part = BlockPart::whole
    );
    /// Returns the work with the weights of one type, with the experts that the operation reads
    /// among `touched`; none if the block has no such weights.
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
/// `sizes`, r = max(n, j), T = shape.context, W = chunk_rows_bytes and S = staging_bytes, the
/// result is
///   4·( n·m·(3·D + A + a) + r·(max(D, A) + 2·F + E + (q+2)·d) + T + j·V ) + W + S.
/// A is the number of outputs of all heads. Each slot (place of a sequence in flight) has x (the
/// residual stream), normed x, the output of proj (n·D each), its input (n·A) and the angles (n·a,
/// with a = shape.angle_width()). All slots share the input of ffn or of proj in the order of
/// tokens (r·max(D, A)), gate and up (r·F each, of one expert at a time), the scores of E experts
/// (r·E), the queries, key and value of one group (r·(q+2)·d), the scores of one query (T) and the
/// logits (j·V). In granularity `sliced` with s slices the result is
///   4·( n·(m·(6·D + a) + 2·D) + r·(F/s + c + h + (q+2)·d) + T + j·V ) + W + S.
/// Each slot has x, normed x, the sum after attention and the partial sum of one block (n·D each),
/// the partial sum of the device (n·D fixed-point numbers of 8 bytes) and the angles. All slots
/// share a received partial sum (n·D numbers of 8 bytes), the head outputs of one group (r·h) and,
/// as above, queries, key, value, scores and logits. They also share up (r·F/s) and gate (r·c) of
/// one slice. gate has more columns than up, because it becomes the input of `down`, of which a
/// slice stores c columns. max_hidden_columns returns c, max_head_columns h. With Reduce::ring
/// every device applies all norms itself and stores their weights, which adds 4·D·2·layers. If
/// groups are computed in two parts (BlockPart), each slot has the queries, keys and values of all
/// g groups and two sums of squares (doubles) of each, and all slots share two factors per row.
/// Then n·m·g·((q+2)·d + 4) + 2·r elements take the place of r·(q+2)·d.
[[nodiscard]] Bytes buffer_bytes(
    const ModelShape& shape, const TurnSizes& sizes, const Cut& cut = {}
);

/// Returns the bytes of the buffer for the keys and values of the tokens of a turn in a layer with
/// a window, whose cache has no room for them: 2·n·d·k with n of `sizes` and k bytes per element,
/// in the type of the caches. Returns 0 if no layer of the shape has a window.
[[nodiscard]] Bytes chunk_rows_bytes(const ModelShape& shape, const TurnSizes& sizes);

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
