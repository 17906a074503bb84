// Steps that the functions of execute.hpp share. The letters are those of execute.hpp.
#pragma once

#include <cstdint>

#include "model/decoder/execute.hpp"

namespace headroom::model::steps {

void scale(float factor, std::int64_t n, float* x);

/// y (n, D) = norm of x (n, D). y may be x.
void normalise(
    const ExecutionContext& context, const float* weight, InputRows x, std::int64_t n, Rows y
);

/// y (n, D) = norm of x in this role, or x if the block has no norm in this role.
void normalise_or_copy(
    const ExecutionContext& context,
    const Block& block,
    TensorRole role,
    InputRows x,
    std::int64_t n,
    Rows y
);

/// Turns the output of attention or of an ffn (n, D) into what is added to the residual stream.
void finish_output(
    const ExecutionContext& context,
    const Block& block,
    TensorRole post_norm,
    std::int64_t n,
    Rows y
);

bool is_last_layer(const ExecutionContext& context, const Block& block);

/// y (n, D) += x (n, D).
void add_to(const ExecutionContext& context, InputRows x, std::int64_t n, Rows y);

/// gate = f(gate matrix · normed) ⊙ (up matrix · normed). The rows of `up` have no gaps between
/// them: up.stride is the number of its columns.
void activate(
    const ExecutionContext& context,
    const Block& block,
    InputRows normed,
    std::int64_t n,
    const Rows& gate,
    const Rows& up
);

/// Sets the foreign columns of n rows of `columns.stored` values to 0.
void clear_foreign(const Columns& columns, std::int64_t n, float* x);

} // namespace headroom::model::steps
