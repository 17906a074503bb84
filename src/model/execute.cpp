#include "model/execute.hpp"

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

/// y (n, D) = norm of x (n, D), token by token. y may be x.
void normalise(
    const Context& context, const float* weight, const float* x, std::int64_t n, float* y
) {
    const std::int64_t width = context.model->width;
    for (std::int64_t t = 0; t < n; ++t) {
        context.kernels->rms_norm(
            x + t * width, weight, context.model->rms_epsilon, width, y + t * width
        );
    }
}

/// y (n, D) += x (n, D).
void add_to(const Context& context, const float* x, std::int64_t n, float* y) {
    const std::int64_t width = context.model->width;
    for (std::int64_t t = 0; t < n; ++t) {
        context.kernels->add(x + t * width, y + t * width, width, y + t * width);
    }
}

} // namespace

void run_embed(
    const Context& context,
    const Block& embed,
    std::span<const std::int32_t> ids,
    float* x,
    float* normed
) {
    const std::int64_t width = context.model->width;
    for (std::size_t t = 0; t < ids.size(); ++t) {
        embed.expand_row(Slot::embedding, ids[t], x + static_cast<std::int64_t>(t) * width);
    }
    normalise(
        context, embed.norm(Slot::first_norm), x, static_cast<std::int64_t>(ids.size()), normed
    );
}

namespace {

/// run_group with the head outputs of a token `out_stride` floats after those of the one before.
void attend(
    const Context& context,
    const Block& group,
    GroupCache& cache,
    const float* normed,
    std::int64_t first,
    std::int64_t n,
    const GroupScratch& scratch,
    float* out,
    std::int64_t out_stride
) {
    const std::int64_t width = context.model->width;
    const std::int64_t d = context.model->head_width();
    const std::int64_t heads = context.model->heads_per_group();
    const std::int64_t stride = (heads + 2) * d; // a token's queries, key and value
    const kernels::Kernels& k = *context.kernels;
    float* const projected = scratch.projected;
    group.multiply(k, Slot::q, normed, width, n, projected, stride);
    group.multiply(k, Slot::k, normed, width, n, projected + heads * d, stride);
    group.multiply(k, Slot::v, normed, width, n, projected + (heads + 1) * d, stride);
    for (std::int64_t t = 0; t < n; ++t) {
        const std::int64_t position = first + t;
        float* const queries = projected + t * stride;
        float* const key = queries + heads * d;
        const float* const cosines = scratch.angles + t * d;
        const float* const sines = cosines + d / 2;
        k.rope(queries, heads, d, cosines, sines);
        k.rope(key, 1, d, cosines, sines);
        std::copy_n(key, d, cache.keys(position));
        std::copy_n(key + d, d, cache.values(position));
        k.attention({
            .queries = queries,
            .pages = cache.page_table(),
            .scores = scratch.scores,
            .out = out + t * out_stride,
            .heads = heads,
            .head_width = d,
            .context = position + 1,
        });
    }
}

/// Rows of one number per hidden unit, a token's `stride` floats after those of the one before.
struct HiddenRows {
    float* data = nullptr;
    std::int64_t stride = 0;
};

/// gate = silu(gate matrix · normed) ⊙ (up matrix · normed); `up` has no gaps between its rows.
void activate(
    const Context& context,
    const Block& block,
    const float* normed,
    std::int64_t n,
    const HiddenRows& gate,
    const HiddenRows& up
) {
    const std::int64_t width = context.model->width;
    const kernels::Kernels& k = *context.kernels;
    block.multiply(k, Slot::gate, normed, width, n, gate.data, gate.stride);
    block.multiply(k, Slot::up, normed, width, n, up.data, up.stride);
    for (std::int64_t t = 0; t < n; ++t) {
        k.silu_gate(gate.data + t * gate.stride, up.data + t * up.stride, up.stride);
    }
}

} // namespace

void run_group(
    const Context& context,
    const Block& group,
    GroupCache& cache,
    const float* normed,
    std::int64_t first,
    std::int64_t n,
    const GroupScratch& scratch,
    float* out
) {
    const std::int64_t part = context.model->heads_per_group() * context.model->head_width();
    attend(context, group, cache, normed, first, n, scratch, out, part);
}

void run_proj(
    const Context& context,
    const Block& proj,
    const float* heads,
    const float* x,
    std::int64_t n,
    float* scratch,
    float* residual
) {
    const std::int64_t width = context.model->width;
    const std::int64_t part = context.model->heads_per_group() * context.model->head_width();
    const float* token_major = heads;
    if (n > 1) {
        for (std::int64_t g = 0; g < context.model->kv_heads; ++g) {
            for (std::int64_t t = 0; t < n; ++t) {
                std::copy_n(heads + (g * n + t) * part, part, scratch + t * width + g * part);
            }
        }
        token_major = scratch;
    }
    proj.multiply(*context.kernels, Slot::o, token_major, width, n, residual, width);
    add_to(context, x, n, residual);
}

void run_ffn(
    const Context& context,
    const Block& ffn,
    const float* residual,
    std::int64_t n,
    const FfnScratch& scratch,
    float* x,
    float* normed
) {
    const std::int64_t width = context.model->width;
    const std::int64_t hidden = context.model->ffn_width;
    normalise(context, ffn.norm(Slot::ffn_norm), residual, n, scratch.normed);
    activate(context, ffn, scratch.normed, n, {scratch.gate, hidden}, {scratch.up, hidden});
    ffn.multiply(*context.kernels, Slot::down, scratch.gate, hidden, n, x, width);
    add_to(context, residual, n, x);
    if (ffn.has(Slot::next_norm)) {
        normalise(context, ffn.norm(Slot::next_norm), x, n, normed);
    }
}

namespace {

std::int64_t most_columns(
    const Hyperparameters& model, const Cut& cut, BlockKind kind, std::int32_t per_layer
) {
    std::int64_t most = 0;
    for (std::int32_t layer = 0; layer < model.layers; ++layer) {
        for (std::int32_t i = 0; i < per_layer; ++i) {
            most = std::max(most, columns_of(model, {kind, layer, i}, cut).stored);
        }
    }
    return most;
}

/// 0 in the columns of each of n rows that are stored but not the block's own.
void clear_foreign(const Columns& columns, std::int64_t n, float* x) {
    for (std::int64_t t = 0; t < n; ++t) {
        float* const row = x + t * columns.stored;
        std::fill_n(row, columns.before(), 0.0F);
        std::fill(row + columns.before() + columns.count, row + columns.stored, 0.0F);
    }
}

} // namespace

std::int64_t most_head_columns(const Hyperparameters& model, const Cut& cut) {
    return most_columns(model, cut, BlockKind::group, model.kv_heads);
}

std::int64_t most_hidden_columns(const Hyperparameters& model, const Cut& cut) {
    return most_columns(model, cut, BlockKind::slice, cut.slices);
}

void run_group_partial(
    const Context& context,
    const Block& group,
    GroupCache& cache,
    const float* normed,
    std::int64_t first,
    std::int64_t n,
    const GroupSumScratch& scratch,
    float* partial
) {
    const Columns columns = columns_of(*context.model, group.name(), group.cut());
    float* const own = scratch.heads + columns.before();
    attend(context, group, cache, normed, first, n, scratch.group, own, columns.stored);
    clear_foreign(columns, n, scratch.heads);
    const std::int64_t width = context.model->width;
    group.multiply(*context.kernels, Slot::o, scratch.heads, columns.stored, n, partial, width);
}

void run_slice(
    const Context& context,
    const Block& slice,
    const float* normed,
    std::int64_t n,
    const SliceScratch& scratch,
    float* partial
) {
    const Columns columns = columns_of(*context.model, slice.name(), slice.cut());
    const std::int64_t width = context.model->width;
    float* const own = scratch.gate + columns.before();
    activate(context, slice, normed, n, {own, columns.stored}, {scratch.up, columns.count});
    clear_foreign(columns, n, scratch.gate);
    slice.multiply(*context.kernels, Slot::down, scratch.gate, columns.stored, n, partial, width);
}

void add_partial(
    const Context& context,
    const Block& block,
    const float* partial,
    std::int64_t n,
    std::int64_t* sums
) {
    const Hyperparameters& model = *context.model;
    const bool is_group = block.name().kind == BlockKind::group;
    const std::int64_t terms = is_group ? model.kv_heads : block.cut().slices;
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
    const Context& context,
    const float* norm,
    const float* x,
    const std::int64_t* sums,
    std::int64_t n,
    float* y,
    float* normed
) {
    kernels::round_exact_sums(sums, n * context.model->width, y);
    add_to(context, x, n, y);
    if (norm != nullptr) {
        normalise(context, norm, y, n, normed);
    }
}

void run_norm(
    const Context& context, const float* norm, const float* x, std::int64_t n, float* normed
) {
    normalise(context, norm, x, n, normed);
}

void finish_sums(const Context& context, const std::int64_t* sums, std::int64_t count, float* x) {
    constexpr std::int64_t kAtOnce = 64;
    float rounded[kAtOnce];
    for (std::int64_t i = 0; i < count; i += kAtOnce) {
        const std::int64_t now = std::min(kAtOnce, count - i);
        kernels::round_exact_sums(sums + i, now, rounded);
        context.kernels->add(x + i, rounded, now, x + i);
    }
}

void run_lm_head(
    const Context& context,
    const Block& lm_head,
    const Block& matrix,
    const float* x,
    float* normed,
    float* logits
) {
    normalise(context, lm_head.norm(Slot::output_norm), x, 1, normed);
    const Slot slot = matrix.has(Slot::head) ? Slot::head : Slot::embedding;
    matrix.multiply(
        *context.kernels, slot, normed, context.model->width, 1, logits, context.model->vocabulary
    );
}

} // namespace headroom::model
