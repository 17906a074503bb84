// The functions of execute.hpp that compute embed, proj, ffn and lm_head.
#include "model/decoder/execute.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "model/decoder/execute_steps.hpp"

namespace headroom::model {

using namespace steps;

CacheOverflow::CacheOverflow(
    std::int64_t row, const std::string& what, const std::string& block, WeightType type
)
    : InputError(fmt::format(
          "{} yields {} of row {} of a turn, which {}", block, what, row, advice_on(type)
      )),
      row_(row), what_(what), type_(type) {}

std::string CacheOverflow::advice_on(WeightType type) {
    return fmt::format(
        "KV caches of type {} cannot hold; set model.kv_type = \"f32\", or check the model",
        name_of(type)
    );
}

void run_embed(
    const ExecutionContext& context,
    const Block& embed,
    std::span<const std::int32_t> ids,
    float* x,
    float* normed
) {
    const std::int64_t width = context.model->width;
    for (std::size_t t = 0; t < ids.size(); ++t) {
        float* const row = x + static_cast<std::int64_t>(t) * width;
        embed.expand_row(TensorRole::embedding, ids[t], row);
        scale(context.model->features.embedding_scale, width, row);
    }
    normalise_or_copy(
        context,
        embed,
        TensorRole::first_norm,
        {x, width},
        static_cast<std::int64_t>(ids.size()),
        {normed, width}
    );
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
    const std::int64_t width = context.model->attention_width();
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
    finish_output(context, proj, TensorRole::post_attention_norm, n, residual);
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
    normalise_or_copy(context, ffn, TensorRole::ffn_norm, residual, n, h);
    activate(context, ffn, h, n, {scratch.gate, hidden}, {scratch.up, hidden});
    ffn.multiply(*context.kernels, TensorRole::down, scratch.gate, hidden, n, x.data, x.stride);
    finish_output(context, ffn, TensorRole::post_ffn_norm, n, x);
    add_to(context, residual, n, x);
    if (!is_last_layer(context, ffn)) {
        normalise_or_copy(context, ffn, TensorRole::next_norm, x, n, normed);
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
    const Features& features = context.model->features;
    const std::int64_t vocabulary = context.model->vocabulary;
    normalise(context, lm_head.norm(TensorRole::output_norm), x, n, normed);
    const TensorRole role = matrix.has(TensorRole::head) ? TensorRole::head : TensorRole::embedding;
    matrix.multiply(*context.kernels, role, normed.data, normed.stride, n, logits, vocabulary);
    scale(1.0F / features.logit_scale, n * vocabulary, logits);
    if (features.final_softcap > 0) {
        context.kernels->softcap(logits, n * vocabulary, features.final_softcap);
    }
}

} // namespace headroom::model
