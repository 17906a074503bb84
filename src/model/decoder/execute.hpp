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
#include <string>
#include <vector>

#include "base/error.hpp"
#include "kernels/kernels.hpp"
#include "model/architectures/hyperparameters.hpp"
#include "model/decoder/block.hpp"

namespace headroom::model {

/// Returns r, the number of elements of a head that the rotary embedding turns.
[[nodiscard]] std::int64_t rotated_width(const Hyperparameters& model);
/// Computes the rotary embedding of the positions first … first+n−1. Row t of `angles` (n,
/// angle_width) gets r/2 cosines in its first d/2 elements and r/2 sines in the next d/2, r being
/// the number of elements of a head that are turned. In a row of 2·d these are the angles of layers
/// without a window, and those of layers with a window follow. All groups of a turn use the same
/// angles.
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

/// x (n, D) = the embedding rows of the token ids, scaled if the model scales them; normed (n, D) =
/// attention norm of x for the first layer, or x if the model has no norms before attention.
void run_embed(
    const ExecutionContext& context,
    const Block& embed,
    std::span<const std::int32_t> ids,
    float* x,
    float* normed
);

/// A key or value is too large for the type of its KV cache, or not finite.
class CacheOverflow : public InputError {
  public:
    /// `row` is the row of the call, `what` the number and its place, `block` the block's name.
    CacheOverflow(
        std::int64_t row, const std::string& what, const std::string& block, WeightType type
    );
    [[nodiscard]] std::int64_t row() const { return row_; }
    /// Returns the number, for a sentence that says more about its place.
    [[nodiscard]] const std::string& number() const { return what_; }
    [[nodiscard]] std::string advice() const { return advice_on(type_); }

  private:
    static std::string advice_on(WeightType type);
    std::int64_t row_;
    std::string what_;
    WeightType type_;
};

/// The rows of one sequence in a call of run_group: n tokens at positions first … first+n−1. The
/// cache must have pages for these positions.
struct SequenceRows {
    GroupCache* cache = nullptr;
    std::int64_t first = 0;
    std::int64_t n = 1;
};

struct GroupScratch {
    InputRows angles;        ///< n rows of angle_width values, see fill_rope_angles
    Rows projected;          ///< n rows of (q+2)·d values: queries, key and value of every row
    float* scores = nullptr; ///< one value per token of the longest context
    /// Keys and values as stored, 2·n rows of a cache for the largest n of the sequences; needed
    /// for caches of layers with a window only.
    std::byte* chunk_rows = nullptr;
};

/// out (n, q·d) = the head outputs of the group. Appends the keys and values of all rows to the
/// caches; throws CacheOverflow if the type of a cache cannot hold them. n is the number of rows of
/// all sequences; the rows stand in the order of `sequences`. Precondition: queries and keys are
/// not normalised over all heads (QkNorm::width); if they are, the two functions below do the same
/// in two steps.
void run_group(
    const ExecutionContext& context,
    const Block& group,
    std::span<const SequenceRows> sequences,
    InputRows normed,
    const GroupScratch& scratch,
    Rows out
);

/// The sums of squares of one token's queries and of its key in one group, each formed in the order
/// of the elements. Sums of several groups are added in the order of the groups, from 0.
struct HeadSquares {
    double queries = 0; ///< of q·d values
    double keys = 0;    ///< of d values
    HeadSquares& operator+=(const HeadSquares& other) {
        queries += other.queries;
        keys += other.keys;
        return *this;
    }
};
/// Returns the sum of `groups` sums, of which that of group g is squares[g·stride].
[[nodiscard]] HeadSquares add_in_order(
    const HeadSquares* squares, std::int64_t stride, std::int32_t groups
);
/// The factors that normalise queries and keys of one token: 1/sqrt(mean of squares + epsilon).
struct InverseNorms {
    float queries = 0;
    float keys = 0;
};
/// Returns the factors that follow from the sums of all groups of a layer.
[[nodiscard]] InverseNorms inverse_norms(const Hyperparameters& model, const HeadSquares& sums);

/// The first step of run_group, the products: `projected` (n, (q+2)·d) gets queries, key and value
/// of each row, with their biases. If `squares` is not null, it gets the n rows' sums of squares.
void run_group_projections(
    const ExecutionContext& context,
    const Block& group,
    InputRows normed,
    std::int64_t n,
    Rows projected,
    HeadSquares* squares = nullptr
);
/// The second step of run_group, from scratch.projected on. `norms` has the factors of the n rows
/// if queries and keys are normalised over all heads, else it is null.
void run_group_rest(
    const ExecutionContext& context,
    const Block& group,
    std::span<const SequenceRows> sequences,
    const GroupScratch& scratch,
    Rows out,
    const InverseNorms* norms = nullptr
);

/// The head outputs that proj reads: q·d values for group g and token t, which begin at data +
/// g·group_stride + t·token_stride.
struct HeadOutputs {
    const float* data = nullptr;
    std::int64_t token_stride = 0;
    std::int64_t group_stride = 0;
};

/// residual (n, D) = x + o · heads, where o · heads is normalised first if the model has norms
/// after attention. If group_stride is not q·d, the outputs of a token are not adjacent; they are
/// then copied to `scratch` (n, A) first, A columns of o. Otherwise `scratch` is not used.
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

/// x (n, D) = residual + down · (f(gate·h) ⊙ up·h), where f is the model's activation and h is the
/// ffn norm of `residual`. The product with down is normalised first if the model has norms after
/// the ffn. normed (n, D) = attention norm of x for the next layer; it is not written in the last
/// layer. In models without norms before attention and ffn, h is `residual` and normed is x. `x`
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

/// The second step of run_group_partial, as run_group_rest is that of run_group.
void run_group_partial_rest(
    const ExecutionContext& context,
    const Block& group,
    std::span<const SequenceRows> sequences,
    const GroupPartialScratch& scratch,
    Rows partial,
    const InverseNorms* norms = nullptr
);

struct SliceScratch {
    /// The input of down: n·max_hidden_columns values, because it has a 0 for each foreign column.
    float* gate = nullptr;
    float* up = nullptr; ///< n·F/S values
};

/// partial (n, D) = the slice's own columns of down · (f(gate·h) ⊙ up·h), where h is `normed`
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

/// The two times that a hub is computed in each layer.
enum class HubStep : std::uint8_t { after_attention, after_ffn };

/// Computes a hub, the block that adds up the partial sums of a layer. y (n, D) = x + sums, where
/// every sum is rounded to F32 once, and the rounded sums are normalised first if the model has
/// norms after attention and ffn. After attention, x is the input of the layer, y the residual, and
/// normed (n, D) = ffn norm of y. After the ffn, x is the residual, y the input of the next layer,
/// and normed its attention norm; it is not written in the last layer. In models without norms
/// before attention and ffn, normed is y. `y` must not overlap `x`.
void run_hub(
    const ExecutionContext& context,
    const Block& hub,
    HubStep step,
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

/// logits (n, V) = head · output_norm(x), scaled and capped as the model does it. `matrix` is the
/// block that has the head matrix: lm_head itself, or embed if the matrix is tied and both are on
/// one device. `normed` (n, D) is scratch.
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
