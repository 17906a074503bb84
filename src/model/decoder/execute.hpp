// How a block computes: one sequence of kernel calls of fixed shape per block. The oracle and the
// runtime both go through these functions, so numbers do not depend on where a block lives.
// All arrays F32 row-major. A row is one token: n of one turn, at positions first … first+n−1
// (contexts +1), or those of several sequences that share a pass over the weights; what a row gets
// does not depend on the others.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "kernels/kernels.hpp"
#include "model/decoder/block.hpp"
#include "model/decoder/hyperparameters.hpp"

namespace headroom::model {

/// angles (n, d) = for each token the cosines (d/2) of its position, then the sines (d/2): what
/// run_group turns queries and keys by. The same for all groups of a turn.
void fill_rope_angles(
    const Hyperparameters& model, std::int64_t first, std::int64_t n, float* angles
);

/// Rows of floats, the beginnings of which are `stride` floats apart.
struct Rows {
    float* data = nullptr;
    std::int64_t stride = 0;
    [[nodiscard]] float* at(std::int64_t row) const { return data + row * stride; }
};
struct InputRows {
    InputRows(const float* first, std::int64_t apart) : data(first), stride(apart) {}
    InputRows(const Rows& rows) : data(rows.data), stride(rows.stride) {}
    const float* data;
    std::int64_t stride;
    [[nodiscard]] const float* at(std::int64_t row) const { return data + row * stride; }
};

struct Context {
    const Hyperparameters* model = nullptr;
    const kernels::Kernels* kernels = nullptr;
};

/// x (n, D) = embedding rows of ids; normed (n, D) = first layer's attention norm of x.
void run_embed(
    const Context& context,
    const Block& embed,
    std::span<const std::int32_t> ids,
    float* x,
    float* normed
);

/// Rows of a group's call that belong to one sequence: n at positions first …; its cache must have
/// pages for them.
struct SequenceRows {
    GroupCache* cache = nullptr;
    std::int64_t first = 0;
    std::int64_t n = 1;
};

struct GroupScratch {
    InputRows angles;           ///< d wide, see fill_rope_angles
    float* projected = nullptr; ///< n·(q+2)·d
    float* scores = nullptr;    ///< T
};

/// out (n, q·d) = the group's head outputs; appends to the caches. n = rows of all sequences, in
/// their order.
void run_group(
    const Context& context,
    const Block& group,
    std::span<const SequenceRows> sequences,
    InputRows normed,
    const GroupScratch& scratch,
    Rows out
);

/// Where proj finds the head outputs (q·d) of a group for a token.
struct HeadOutputs {
    const float* data = nullptr;
    std::int64_t token_stride = 0;
    std::int64_t group_stride = 0;
};

/// residual (n, D) = x + o · heads. Unless the groups of a token follow each other (group_stride
/// q·d, as always with one row), heads are put into `scratch` (n, D) first, else that is not
/// touched. residual must not overlap x or heads.
void run_proj(
    const Context& context,
    const Block& proj,
    const HeadOutputs& heads,
    InputRows x,
    std::int64_t n,
    float* scratch,
    Rows residual
);

struct FfnScratch {
    float* normed = nullptr; ///< n·D
    float* gate = nullptr;   ///< n·F
    float* up = nullptr;     ///< n·F
};

/// x (n, D) = residual + down · (silu(gate·h) ⊙ up·h), h = ffn norm of residual;
/// normed (n, D) = next layer's attention norm of x (untouched in the last layer). x must not
/// overlap residual.
void run_ffn(
    const Context& context,
    const Block& ffn,
    InputRows residual,
    std::int64_t n,
    const FfnScratch& scratch,
    Rows x,
    Rows normed
);

// Granularity `sliced`. A block's partial sum is its part of o · heads or of down · hidden; what a
// layer adds to x is the sum of all of them, in fixed point (kernels/exact_sum.hpp), so that it
// does not depend on who adds what first. Columns that a block stores but does not own, because a
// quantisation block is cut, are multiplied by 0.

/// Most columns that any group's o, and any slice's down, stores: the widths of the buffers below.
[[nodiscard]] std::int64_t most_head_columns(const Hyperparameters& model, const Cut& cut);
[[nodiscard]] std::int64_t most_hidden_columns(const Hyperparameters& model, const Cut& cut);

struct GroupSumScratch {
    GroupScratch group;
    float* heads = nullptr; ///< n·most_head_columns
};

/// partial (n, D) = the group's own columns of o times its head outputs; else as run_group.
void run_group_partial(
    const Context& context,
    const Block& group,
    std::span<const SequenceRows> sequences,
    InputRows normed,
    const GroupSumScratch& scratch,
    Rows partial
);

struct SliceScratch {
    float* gate = nullptr; ///< n·most_hidden_columns
    float* up = nullptr;   ///< n·F/S
};

/// partial (n, D) = the slice's columns of down times (silu(gate·h) ⊙ up·h), h = `normed` (n, D),
/// the ffn norm of the residual.
void run_slice(
    const Context& context,
    const Block& slice,
    InputRows normed,
    std::int64_t n,
    const SliceScratch& scratch,
    Rows partial
);

/// sums (n, D) += partial, of a group or a slice: each device adds up its own. Throws InputError
/// that names the block if a value is no finite number or too large for the fixed point.
void add_partial(
    const Context& context,
    const Block& block,
    const float* partial,
    std::int64_t n,
    std::int64_t* sums
);

/// What a hub does with all partial sums of a stage: y (n, D) = x + sums, the sums rounded to F32
/// once, and normed (n, D) = norm of y; `norm` null: normed is not touched. After attention x is
/// the layer's input, y the residual and `norm` ffn_norm; after the ffn x is the residual, y the
/// next x and `norm` next_norm, null in the last layer. y must not overlap x.
void run_hub(
    const Context& context,
    const float* norm,
    const float* x,
    const std::int64_t* sums,
    std::int64_t n,
    float* y,
    float* normed
);

/// The same in pieces, for a ring: normed (n, D) = norm of x, which only a whole token has …
void run_norm(
    const Context& context, const float* norm, const float* x, std::int64_t n, float* normed
);

/// … and x[i] += sums[i], rounded as run_hub does, for any elements of a token.
void finish_sums(const Context& context, const std::int64_t* sums, std::int64_t count, float* x);

/// logits (n, V) = head · output_norm(x); `matrix` is the block that holds the matrix: lm_head
/// itself, or embed if they are tied and live together. normed: (n, D) scratch.
void run_lm_head(
    const Context& context,
    const Block& lm_head,
    const Block& matrix,
    InputRows x,
    std::int64_t n,
    Rows normed,
    float* logits
);

} // namespace headroom::model
