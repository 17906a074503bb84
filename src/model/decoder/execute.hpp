// Computes each kind of block, the unit of placement. The reference decoder (oracle.hpp) and the
// runtime call the same functions, so values do not depend on the device of a block. All arrays are
// F32 and row-major, and each of the n rows is one token. The rows are the tokens of one turn
// (forward pass of one sequence), at positions first … first+n−1, or the tokens of several
// sequences that share one pass over the weights. The result of a row does not depend on the other
// rows. D is the model's width, d the width of a head, q the number of query heads per group, F the
// width of the ffn, S the number of slices per layer, V the size of the vocabulary.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "kernels/kernels.hpp"
#include "model/decoder/block.hpp"
#include "model/decoder/hyperparameters.hpp"

namespace headroom::model {

/// Computes the rotary embedding of the positions first … first+n−1. Row t of `angles` (n, d) gets
/// d/2 cosines, then d/2 sines. All groups of a turn use the same angles.
void fill_rope_angles(
    const Hyperparameters& model, std::int64_t first, std::int64_t n, float* angles
);

/// Rows of floats in memory. Row i begins at data + i·stride.
struct Rows {
    float* data = nullptr;
    std::int64_t stride = 0;
    [[nodiscard]] float* at(std::int64_t row) const { return data + row * stride; }
};
/// Like Rows, for rows that are only read.
struct InputRows {
    InputRows(const float* first, std::int64_t row_stride) : data(first), stride(row_stride) {}
    InputRows(const Rows& rows) : data(rows.data), stride(rows.stride) {}
    const float* data;
    std::int64_t stride;
    [[nodiscard]] const float* at(std::int64_t row) const { return data + row * stride; }
};

struct ExecutionContext {
    const Hyperparameters* model = nullptr;
    const kernels::Kernels* kernels = nullptr;
};

/// x (n, D) = the embedding rows of the token ids; normed (n, D) = attention norm of x for the
/// first layer.
void run_embed(
    const ExecutionContext& context,
    const Block& embed,
    std::span<const std::int32_t> ids,
    float* x,
    float* normed
);

/// The rows of one sequence in a call of run_group: n tokens at positions first … first+n−1. The
/// cache must have pages for these positions.
struct SequenceRows {
    GroupCache* cache = nullptr;
    std::int64_t first = 0;
    std::int64_t n = 1;
};

struct GroupScratch {
    InputRows angles;           ///< n rows of d values, see fill_rope_angles
    float* projected = nullptr; ///< n·(q+2)·d values: queries, key and value of every row
    float* scores = nullptr;    ///< one value per token of the longest context
};

/// out (n, q·d) = the head outputs of the group. Appends the keys and values of all rows to the
/// caches. n is the number of rows of all sequences; the rows stand in the order of `sequences`.
void run_group(
    const ExecutionContext& context,
    const Block& group,
    std::span<const SequenceRows> sequences,
    InputRows normed,
    const GroupScratch& scratch,
    Rows out
);

/// The head outputs that proj reads: q·d values for group g and token t, which begin at data +
/// g·group_stride + t·token_stride.
struct HeadOutputs {
    const float* data = nullptr;
    std::int64_t token_stride = 0;
    std::int64_t group_stride = 0;
};

/// residual (n, D) = x + o · heads. If group_stride is not q·d, the outputs of a token are not
/// adjacent; they are then copied to `scratch` (n, D) first. Otherwise `scratch` is not used.
/// `residual` must not overlap `x` or `heads`.
void run_proj(
    const ExecutionContext& context,
    const Block& proj,
    const HeadOutputs& heads,
    InputRows x,
    std::int64_t n,
    float* scratch,
    Rows residual
);

struct FfnScratch {
    float* normed = nullptr; ///< n·D values
    float* gate = nullptr;   ///< n·F values
    float* up = nullptr;     ///< n·F values
};

/// x (n, D) = residual + down · (silu(gate·h) ⊙ up·h), where h is the ffn norm of `residual`.
/// normed (n, D) = attention norm of x for the next layer; it is not written in the last layer. `x`
/// must not overlap `residual`.
void run_ffn(
    const ExecutionContext& context,
    const Block& ffn,
    InputRows residual,
    std::int64_t n,
    const FfnScratch& scratch,
    Rows x,
    Rows normed
);

// The functions below are those of granularity `sliced`. There each group has some columns of
// matrix o, and the ffn is cut into slices. A partial sum is the share of one group in o · heads,
// or of one slice in the output of the ffn. The partial sums of a layer are added in fixed point
// (kernels/exact_sum.hpp), so the result does not depend on the order of addition. Two neighbouring
// groups or slices can have columns in the same quantisation block (weights with a common scale).
// Then both store this whole quantisation block, and each multiplies the columns that belong to the
// other by 0.

/// Returns the largest number of columns of o that any group stores.
[[nodiscard]] std::int64_t max_head_columns(const Hyperparameters& model, const Slicing& slicing);
/// Returns the largest number of columns of down that any slice stores.
[[nodiscard]] std::int64_t max_hidden_columns(const Hyperparameters& model, const Slicing& slicing);

struct GroupPartialScratch {
    GroupScratch group;
    float* heads = nullptr; ///< n·max_head_columns values
};

/// partial (n, D) = the group's own columns of o · its head outputs. Otherwise like run_group.
void run_group_partial(
    const ExecutionContext& context,
    const Block& group,
    std::span<const SequenceRows> sequences,
    InputRows normed,
    const GroupPartialScratch& scratch,
    Rows partial
);

struct SliceScratch {
    /// The input of down: n·max_hidden_columns values, because it has a 0 for each foreign column.
    float* gate = nullptr;
    float* up = nullptr; ///< n·F/S values
};

/// partial (n, D) = the slice's own columns of down · (silu(gate·h) ⊙ up·h), where h is `normed`
/// (n, D), the ffn norm of the residual.
void run_slice(
    const ExecutionContext& context,
    const Block& slice,
    InputRows normed,
    std::int64_t n,
    const SliceScratch& scratch,
    Rows partial
);

/// sums (n, D) += partial. `block` is the group or slice that computed `partial`. Throws InputError
/// with the block's name if a value is not finite or is too large for the fixed point.
void add_partial(
    const ExecutionContext& context,
    const Block& block,
    const float* partial,
    std::int64_t n,
    std::int64_t* sums
);

/// Computes a hub, the block that adds up the partial sums of a layer. A hub is computed twice:
/// after the layer's attention and after its ffn. y (n, D) = x + sums, where every sum is rounded
/// to F32 once. normed (n, D) = norm of y; it is not written if `norm` is null. After attention, x
/// is the input of the layer, y the residual and `norm` is ffn_norm. After the ffn, x is the
/// residual, y the input of the next layer, and `norm` is next_norm (null in the last layer). `y`
/// must not overlap `x`.
void run_hub(
    const ExecutionContext& context,
    const float* norm,
    const float* x,
    const std::int64_t* sums,
    std::int64_t n,
    float* y,
    float* normed
);

/// normed (n, D) = norm of x. In a ring all-reduce every device calls this instead of run_hub.
void run_norm(
    const ExecutionContext& context,
    const float* norm,
    const float* x,
    std::int64_t n,
    float* normed
);

/// x[i] += sums[i] for `count` elements, rounded as in run_hub. In a ring all-reduce every device
/// calls this for its part of the sums.
void add_rounded_sums(
    const ExecutionContext& context, const std::int64_t* sums, std::int64_t count, float* x
);

/// logits (n, V) = head · output_norm(x). `matrix` is the block that has the head matrix: lm_head
/// itself, or embed if the matrix is tied and both are on one device. `normed` (n, D) is scratch.
void run_lm_head(
    const ExecutionContext& context,
    const Block& lm_head,
    const Block& matrix,
    InputRows x,
    std::int64_t n,
    Rows normed,
    float* logits
);

} // namespace headroom::model
