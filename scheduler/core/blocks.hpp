// The blocks of a shape in their canonical order, and what each costs (profile `physical`).
// Source: docs/explanation/blocks.md#physical-costs.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/block.hpp"
#include "base/ids.hpp"
#include "base/units.hpp"
#include "scheduler/core/cut.hpp"
#include "scheduler/core/shape.hpp"

namespace headroom::scheduler {

/// What a number of an activation, of a norm or of a cache takes.
inline constexpr Bytes kFloatBytes = 4;
/// What the id of a sampled token takes in a message.
inline constexpr Bytes kTokenIdBytes = 4;

/// Cache rows are allocated in pages of this many tokens.
inline constexpr std::int64_t kPageTokens = 16;

/// block -> device, indexed by BlockId in canonical order.
using Placement = std::vector<DeviceId>;

/// Canonical block order: embed; per layer its groups, proj, ffn (`sliced`: groups, slices, hub);
/// lm_head (without ends: no embed and no lm_head). Ids are dense and start at 0.
class Blocks {
  public:
    explicit Blocks(ModelShape shape, Cut cut = {});

    [[nodiscard]] const ModelShape& shape() const { return shape_; }
    [[nodiscard]] const Cut& cut() const { return cut_; }
    [[nodiscard]] bool sliced() const { return cut_.sliced(); }
    [[nodiscard]] std::size_t size() const { return names_.size(); }
    [[nodiscard]] const BlockName& name(BlockId b) const { return names_[b.index()]; }
    [[nodiscard]] BlockId embed() const;   ///< precondition: shape().ends
    [[nodiscard]] BlockId lm_head() const; ///< precondition: shape().ends
    [[nodiscard]] BlockId group(std::int32_t layer, std::int32_t group) const;
    [[nodiscard]] BlockId proj(std::int32_t layer) const; ///< precondition: not sliced()
    [[nodiscard]] BlockId ffn(std::int32_t layer) const;  ///< precondition: not sliced()
    [[nodiscard]] BlockId slice(std::int32_t layer, std::int32_t slice) const; ///< of sliced()
    [[nodiscard]] BlockId hub(std::int32_t layer) const;                       ///< of sliced()
    /// The block whose device holds x between a layer and the next: its ffn or its hub.
    [[nodiscard]] BlockId holder(std::int32_t layer) const {
        return sliced() ? hub(layer) : ffn(layer);
    }
    [[nodiscard]] std::int32_t groups() const { return shape_.kv_heads; } ///< per layer
    [[nodiscard]] std::int32_t slices() const { return cut_.slices; }     ///< per layer
    [[nodiscard]] std::int32_t per_layer() const {
        return groups() + (sliced() ? slices() + 1 : 2);
    }

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
    /// Bytes touched by the same: the weights once + 2·(first+n)·d·k for a group. Where cuts go
    /// through quantisation blocks, groups of a layer or slices of a layer store different numbers
    /// of them; each is charged what the largest stores, so that they stay interchangeable in time.
    [[nodiscard]] Bytes touched_bytes(BlockId b, std::int64_t first, std::int64_t n) const;

  private:
    void add(BlockName name, Bytes matrix, Bytes norms);
    void add_layer(std::int32_t layer, Bytes norms);
    void level(BlockId first, std::int32_t count);
    [[nodiscard]] BlockId nth(std::int32_t layer, std::int32_t n) const;

    ModelShape shape_;
    Cut cut_;
    std::vector<BlockName> names_;
    std::vector<Bytes> matrix_;
    std::vector<Bytes> norm_;
    std::vector<Bytes> touched_; ///< of the matrices
};

/// What an operation costs that serves several turns: the FLOP of all, the weights touched once,
/// the caches of each.
struct OperationCost {
    Flops flops = 0;
    Bytes touched = 0;
    bool any = false;
    void add(const Blocks& blocks, BlockId b, std::int64_t first, std::int64_t n);
};

/// How much a device has at work at once; its buffers are as large.
struct TurnSizes {
    std::int64_t tokens = 1; ///< n, most of one turn: the longest prompt, or its longest chunk
    std::int64_t slots = 1;  ///< m, sequences in flight
    std::int64_t joined = 1; ///< j, most turns that share a pass over the weights
};

/// What a device allocates besides blocks while it holds any: activations, scores, logits, ropes
/// and the migration staging buffer. The closed form, the same in scheduler and runtime, n, m and j
/// of `sizes`, r = max(n, j), T = the shape's context, S = staging_bytes:
///   4·( n·m·(4·D + d) + r·(D + 2·F + (q+2)·d) + T + j·V ) + S
/// (per slot x, normed x, proj's input, proj's output: n·D each, and the rope's angles; for the
/// turns at work ffn's output r·D, gate and up r·F each, one group's queries, key and value;
/// attention scores of one; logits). Granularity `sliced`, F/s the width of one slice, c and h as
/// below:
///   4·( n·(m·(6·D + d) + 2·D) + r·(F/s + c + h + (q+2)·d) + T + j·V ) + S
/// (per slot x, normed x, the sum after attention, one block's partial: n·D each, the device's
/// partial sum: 8-byte numbers, n·D, and the angles; for the turn at work a received partial sum,
/// for those at work up of one slice, gate of one slice, one group's head outputs; as above). With
/// Reduce::ring every device applies all norms: + 4·D·2·layers.
[[nodiscard]] Bytes buffer_bytes(
    const ModelShape& shape, const TurnSizes& sizes, const Cut& cut = {}
);

/// h: most columns of o that a group of any layer stores, q·d or, where quantisation blocks are
/// cut, more: ⌈(w + E − gcd(w, E)) / E⌉·E for w own columns and blocks of E elements.
[[nodiscard]] std::int64_t most_head_columns(const ModelShape& shape);
/// c: the same of down for slices F/s wide. Precondition: cut.sliced().
[[nodiscard]] std::int64_t most_hidden_columns(const ModelShape& shape, const Cut& cut);

/// Largest piece in which blocks are stored and migrated, and the staging buffer that bounds what a
/// device holds on the way: max(64 KiB, the longest stored row).
[[nodiscard]] Bytes staging_bytes(const ModelShape& shape);

} // namespace headroom::scheduler
