// The functions of execute.hpp that compute slices and hubs.
#include <algorithm>

#include <fmt/format.h>

#include "base/error.hpp"
#include "kernels/exact_sum.hpp"
#include "model/decoder/execute.hpp"
#include "model/decoder/execute_steps.hpp"

namespace headroom::model {

using namespace steps;

namespace {

std::int64_t max_columns(
    const Hyperparameters& model, const Slicing& slicing, BlockKind kind, std::int32_t per_layer
) {
    std::int64_t largest = 0;
    for (std::int32_t layer = 0; layer < model.layers; ++layer) {
        for (std::int32_t i = 0; i < per_layer; ++i) {
            largest = std::max(largest, columns_of(model, {kind, layer, i}, slicing).stored);
        }
    }
    return largest;
}

} // namespace

std::int64_t max_head_columns(const Hyperparameters& model, const Slicing& slicing) {
    return max_columns(model, slicing, BlockKind::group, model.kv_heads);
}

std::int64_t max_hidden_columns(const Hyperparameters& model, const Slicing& slicing) {
    return max_columns(model, slicing, BlockKind::slice, slicing.slices);
}

void run_slice(
    const ExecutionContext& context,
    const Block& slice,
    InputRows normed,
    std::int64_t n,
    const SliceScratch& scratch,
    Rows partial
) {
    const Columns columns = columns_of(*context.model, slice.name(), slice.slicing());
    const std::int64_t stored = columns.stored;
    const Rows own{scratch.gate + columns.foreign_before(), stored};
    activate(context, slice, normed, n, own, {scratch.up, columns.count});
    clear_foreign(columns, n, scratch.gate);
    slice.multiply(
        *context.kernels, TensorRole::down, scratch.gate, stored, n, partial.data, partial.stride
    );
}

void add_partial(
    const ExecutionContext& context,
    const Block& block,
    const float* partial,
    std::int64_t n,
    std::int64_t* sums
) {
    const Hyperparameters& model = *context.model;
    const bool is_group = block.name().kind == BlockKind::group;
    const std::int64_t terms = is_group ? model.kv_heads : block.slicing().slices;
    const auto wrong = kernels::add_exactly(partial, n * model.width, terms, sums);
    if (wrong) {
        throw InputError(fmt::format(
            "{} of model {} yields {} at element {} of token {} of a turn, expected a finite "
            "number below {:.0f}: granularity sliced adds partial sums in 64-bit fixed point; "
            "check the model, or decode it with controller.granularity = \"paper\"",
            to_string(block.name()),
            model.name,
            partial[*wrong],
            *wrong % model.width,
            *wrong / model.width,
            kernels::exact_sum_limit(terms)
        ));
    }
}

void run_hub(
    const ExecutionContext& context,
    const Block& hub,
    HubStep step,
    const float* x,
    const std::int64_t* sums,
    std::int64_t n,
    float* y,
    float* normed
) {
    const std::int64_t width = context.model->width;
    const bool after_ffn = step == HubStep::after_ffn;
    const Rows out{y, width};
    kernels::round_exact_sums(sums, n * width, y);
    finish_output(
        context,
        hub,
        after_ffn ? TensorRole::post_ffn_norm : TensorRole::post_attention_norm,
        n,
        out
    );
    add_to(context, {x, width}, n, out);
    if (!after_ffn || !is_last_layer(context, hub)) {
        const TensorRole norm = after_ffn ? TensorRole::next_norm : TensorRole::ffn_norm;
        normalise_or_copy(context, hub, norm, out, n, {normed, width});
    }
}

void run_norm(
    const ExecutionContext& context,
    const float* norm,
    const float* x,
    std::int64_t n,
    float* normed
) {
    const std::int64_t width = context.model->width;
    normalise(context, norm, {x, width}, n, {normed, width});
}

void add_rounded_sums(
    const ExecutionContext& context, const std::int64_t* sums, std::int64_t count, float* x
) {
    constexpr std::int64_t kAtOnce = 64;
    float rounded[kAtOnce];
    for (std::int64_t i = 0; i < count; i += kAtOnce) {
        const std::int64_t now = std::min(kAtOnce, count - i);
        kernels::round_exact_sums(sums + i, now, rounded);
        scale(context.model->features.residual_scale, now, rounded);
        context.kernels->add(x + i, rounded, now, x + i);
    }
}

} // namespace headroom::model
