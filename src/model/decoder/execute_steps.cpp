#include "model/decoder/execute_steps.hpp"

#include <algorithm>

namespace headroom::model::steps {

void scale(float factor, std::int64_t n, float* x) {
    for (std::int64_t i = 0; factor != 1 && i < n; ++i) {
        x[i] *= factor;
    }
}

/// y (n, D) = norm of x (n, D). y may be x.
void normalise(
    const ExecutionContext& context, const float* weight, InputRows x, std::int64_t n, Rows y
) {
    const Hyperparameters& model = *context.model;
    for (std::int64_t t = 0; t < n; ++t) {
        context.kernels->rms_norm(x.at(t), weight, model.rms_epsilon, model.width, y.at(t));
    }
}

/// y (n, D) = norm of x in this role, or x if the block has no norm in this role.
void normalise_or_copy(
    const ExecutionContext& context,
    const Block& block,
    TensorRole role,
    InputRows x,
    std::int64_t n,
    Rows y
) {
    if (block.has(role)) {
        normalise(context, block.norm(role), x, n, y);
        return;
    }
    for (std::int64_t t = 0; t < n; ++t) {
        std::copy_n(x.at(t), context.model->width, y.at(t));
    }
}

/// Turns the output of attention or of an ffn (n, D) into what is added to the residual stream.
void finish_output(
    const ExecutionContext& context,
    const Block& block,
    TensorRole post_norm,
    std::int64_t n,
    Rows y
) {
    if (block.has(post_norm)) {
        normalise(context, block.norm(post_norm), y, n, y);
    }
    for (std::int64_t t = 0; t < n; ++t) {
        scale(context.model->features.residual_scale, context.model->width, y.at(t));
    }
}

bool is_last_layer(const ExecutionContext& context, const Block& block) {
    return block.name().layer + 1 == context.model->layers;
}

/// y (n, D) += x (n, D).
void add_to(const ExecutionContext& context, InputRows x, std::int64_t n, Rows y) {
    for (std::int64_t t = 0; t < n; ++t) {
        context.kernels->add(x.at(t), y.at(t), context.model->width, y.at(t));
    }
}

/// gate = f(gate matrix · normed) ⊙ (up matrix · normed). The rows of `up` have no gaps between
/// them: up.stride is the number of its columns.
void activate(
    const ExecutionContext& context,
    const Block& block,
    InputRows normed,
    std::int64_t n,
    const Rows& gate,
    const Rows& up
) {
    const kernels::Kernels& k = *context.kernels;
    block.multiply(k, TensorRole::gate, normed.data, normed.stride, n, gate.data, gate.stride);
    block.multiply(k, TensorRole::up, normed.data, normed.stride, n, up.data, up.stride);
    const bool is_silu = context.model->features.activation == Activation::silu;
    kernels::Gate* const apply = is_silu ? k.silu_gate : k.gelu_gate;
    for (std::int64_t t = 0; t < n; ++t) {
        apply(gate.at(t), up.at(t), up.stride);
    }
}

/// Sets the foreign columns of n rows of `columns.stored` values to 0.
void clear_foreign(const Columns& columns, std::int64_t n, float* x) {
    for (std::int64_t t = 0; t < n; ++t) {
        float* const row = x + t * columns.stored;
        std::fill_n(row, columns.foreign_before(), 0.0F);
        std::fill(row + columns.foreign_before() + columns.count, row + columns.stored, 0.0F);
    }
}

} // namespace headroom::model::steps
