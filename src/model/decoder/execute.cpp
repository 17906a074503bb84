#include "model/decoder/execute.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/check.hpp"
#include "base/error.hpp"
#include "kernels/exact_sum.hpp"

namespace headroom::model {

void fill_rope_angles(
    const Hyperparameters& model, std::int64_t first, std::int64_t n, float* angles
) {
    const std::int64_t d = model.head_width();
    for (std::int64_t t = 0; t < n; ++t) {
        float* const cosines = angles + t * d;
        kernels::rope_angles(first + t, model.rope_theta, d, cosines, cosines + d / 2);
    }
}

namespace {

/// y (n, D) = norm of x (n, D). y may be x.
void normalise(
    const ExecutionContext& context, const float* weight, InputRows x, std::int64_t n, Rows y
) {
    const Hyperparameters& model = *context.model;
    for (std::int64_t t = 0; t < n; ++t) {
        context.kernels->rms_norm(x.at(t), weight, model.rms_epsilon, model.width, y.at(t));
    }
}

/// y (n, D) += x (n, D).
void add_to(const ExecutionContext& context, InputRows x, std::int64_t n, Rows y) {
    for (std::int64_t t = 0; t < n; ++t) {
        context.kernels->add(x.at(t), y.at(t), context.model->width, y.at(t));
    }
}

} // namespace

void run_embed(
    const ExecutionContext& context,
    const Block& embed,
    std::span<const std::int32_t> ids,
    float* x,
    float* normed
) {
    const std::int64_t width = context.model->width;
    for (std::size_t t = 0; t < ids.size(); ++t) {
        embed.expand_row(TensorRole::embedding, ids[t], x + static_cast<std::int64_t>(t) * width);
    }
    normalise(
        context,
        embed.norm(TensorRole::first_norm),
        {x, width},
        static_cast<std::int64_t>(ids.size()),
        {normed, width}
    );
}

namespace {

std::int64_t rows_of(std::span<const SequenceRows> sequences) {
    std::int64_t n = 0;
    for (const SequenceRows& sequence : sequences) {
        n += sequence.n;
    }
    return n;
}

/// gate = silu(gate matrix · normed) ⊙ (up matrix · normed). The rows of `up` have no gaps between
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
    for (std::int64_t t = 0; t < n; ++t) {
        k.silu_gate(gate.at(t), up.at(t), up.stride);
    }
}

} // namespace

void run_group(
    const ExecutionContext& context,
    const Block& group,
    std::span<const SequenceRows> sequences,
    InputRows normed,
    const GroupScratch& scratch,
    Rows out
) {
    const std::int64_t d = context.model->head_width();
    const std::int64_t heads = context.model->heads_per_group();
    const std::int64_t n = rows_of(sequences);
    const Rows projected{scratch.projected, (heads + 2) * d}; // queries, key and value of a token
    const kernels::Kernels& k = *context.kernels;
    const auto project = [&](TensorRole role, std::int64_t column) {
        group.multiply(
            k, role, normed.data, normed.stride, n, projected.data + column, projected.stride
        );
    };
    project(TensorRole::q, 0);
    project(TensorRole::k, heads * d);
    project(TensorRole::v, (heads + 1) * d);
    std::int64_t row = 0;
    for (const SequenceRows& sequence : sequences) {
        for (std::int64_t t = 0; t < sequence.n; ++t, ++row) {
            const std::int64_t position = sequence.first + t;
            float* const queries = projected.at(row);
            float* const key = queries + heads * d;
            const float* const cosines = scratch.angles.at(row);
            const float* const sines = cosines + d / 2;
            k.rope(queries, heads, d, cosines, sines);
            k.rope(key, 1, d, cosines, sines);
            std::copy_n(key, d, sequence.cache->keys(position));
            std::copy_n(key + d, d, sequence.cache->values(position));
            k.attention({
                .queries = queries,
                .pages = sequence.cache->page_table(),
                .scores = scratch.scores,
                .out = out.at(row),
                .heads = heads,
                .head_width = d,
                .context = position + 1,
            });
        }
    }
}

void run_proj(
    const ExecutionContext& context,
    const Block& proj,
    const HeadOutputs& heads,
    InputRows x,
    std::int64_t n,
    float* scratch,
    Rows residual
) {
    const std::int64_t width = context.model->width;
    const std::int64_t part = context.model->heads_per_group() * context.model->head_width();
    InputRows token_major(heads.data, heads.token_stride);
    if (heads.group_stride != part) {
        for (std::int64_t g = 0; g < context.model->kv_heads; ++g) {
            for (std::int64_t t = 0; t < n; ++t) {
                const float* const from =
                    heads.data + g * heads.group_stride + t * heads.token_stride;
                std::copy_n(from, part, scratch + t * width + g * part);
            }
        }
        token_major = InputRows(scratch, width);
    }
    proj.multiply(
        *context.kernels,
        TensorRole::o,
        token_major.data,
        token_major.stride,
        n,
        residual.data,
        residual.stride
    );
    add_to(context, x, n, residual);
}

void run_ffn(
    const ExecutionContext& context,
    const Block& ffn,
    InputRows residual,
    std::int64_t n,
    const FfnScratch& scratch,
    Rows x,
    Rows normed
) {
    const std::int64_t hidden = context.model->ffn_width;
    const Rows h{scratch.normed, context.model->width};
    normalise(context, ffn.norm(TensorRole::ffn_norm), residual, n, h);
    activate(context, ffn, h, n, {scratch.gate, hidden}, {scratch.up, hidden});
    ffn.multiply(*context.kernels, TensorRole::down, scratch.gate, hidden, n, x.data, x.stride);
    add_to(context, residual, n, x);
    if (ffn.has(TensorRole::next_norm)) {
        normalise(context, ffn.norm(TensorRole::next_norm), x, n, normed);
    }
}

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

/// Sets the foreign columns of n rows of `columns.stored` values to 0.
void clear_foreign(const Columns& columns, std::int64_t n, float* x) {
    for (std::int64_t t = 0; t < n; ++t) {
        float* const row = x + t * columns.stored;
        std::fill_n(row, columns.foreign_before(), 0.0F);
        std::fill(row + columns.foreign_before() + columns.count, row + columns.stored, 0.0F);
    }
}

} // namespace

std::int64_t max_head_columns(const Hyperparameters& model, const Slicing& slicing) {
    return max_columns(model, slicing, BlockKind::group, model.kv_heads);
}

std::int64_t max_hidden_columns(const Hyperparameters& model, const Slicing& slicing) {
    return max_columns(model, slicing, BlockKind::slice, slicing.slices);
}

void run_group_partial(
    const ExecutionContext& context,
    const Block& group,
    std::span<const SequenceRows> sequences,
    InputRows normed,
    const GroupPartialScratch& scratch,
    Rows partial
) {
    const Columns columns = columns_of(*context.model, group.name(), group.slicing());
    const std::int64_t stored = columns.stored;
    const Rows own{scratch.heads + columns.foreign_before(), stored};
    const std::int64_t n = rows_of(sequences);
    run_group(context, group, sequences, normed, scratch.group, own);
    clear_foreign(columns, n, scratch.heads);
    group.multiply(
        *context.kernels, TensorRole::o, scratch.heads, stored, n, partial.data, partial.stride
    );
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
    const float* norm,
    const float* x,
    const std::int64_t* sums,
    std::int64_t n,
    float* y,
    float* normed
) {
    const std::int64_t width = context.model->width;
    kernels::round_exact_sums(sums, n * width, y);
    add_to(context, {x, width}, n, {y, width});
    if (norm != nullptr) {
        normalise(context, norm, {y, width}, n, {normed, width});
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
        context.kernels->add(x + i, rounded, now, x + i);
    }
}

void run_lm_head(
    const ExecutionContext& context,
    const Block& lm_head,
    const Block& matrix,
    InputRows x,
    std::int64_t n,
    Rows normed,
    float* logits
) {
    normalise(context, lm_head.norm(TensorRole::output_norm), x, n, normed);
    const TensorRole role = matrix.has(TensorRole::head) ? TensorRole::head : TensorRole::embedding;
    matrix.multiply(
        *context.kernels, role, normed.data, normed.stride, n, logits, context.model->vocabulary
    );
}

} // namespace headroom::model
