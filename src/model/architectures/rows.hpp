// Parts of which the rows of the table of architectures are made. The names of tensors are those of
// gguf-py's constants (ggml project).
#pragma once

#include <array>

#include "model/architectures/list.hpp"

namespace headroom::model {

namespace layer {

inline constexpr Extent kWidth = [](const ModelShape& model) { return model.width; };
inline constexpr Extent kHeads = [](const ModelShape& model) { return model.attention_width(); };
inline constexpr Extent kKvHeads = [](const ModelShape& model) {
    return model.kv_heads * model.head_width();
};
inline constexpr Extent kHead = [](const ModelShape& model) { return model.head_width(); };
inline constexpr Extent kFfn = [](const ModelShape& model) { return model.ffn_width; };

constexpr LayerTensor matrix(
    TensorRole role,
    std::string_view name,
    Extent rows,
    Extent columns,
    WeightType LayerTypes::*type
) {
    return {role, name, columns, rows, type};
}

constexpr LayerTensor vector(TensorRole role, std::string_view name, Extent elements) {
    return {role, name, elements};
}

inline constexpr auto kQ = matrix(TensorRole::q, "attn_q.weight", kHeads, kWidth, &LayerTypes::q);
inline constexpr auto kK = matrix(TensorRole::k, "attn_k.weight", kKvHeads, kWidth, &LayerTypes::k);
inline constexpr auto kV = matrix(TensorRole::v, "attn_v.weight", kKvHeads, kWidth, &LayerTypes::v);
inline constexpr auto kO =
    matrix(TensorRole::o, "attn_output.weight", kWidth, kHeads, &LayerTypes::o);
inline constexpr auto kGate =
    matrix(TensorRole::gate, "ffn_gate.weight", kFfn, kWidth, &LayerTypes::gate);
inline constexpr auto kUp = matrix(TensorRole::up, "ffn_up.weight", kFfn, kWidth, &LayerTypes::up);
inline constexpr auto kDown =
    matrix(TensorRole::down, "ffn_down.weight", kWidth, kFfn, &LayerTypes::down);

inline constexpr auto kAttentionNorm = vector(TensorRole::next_norm, "attn_norm.weight", kWidth);
inline constexpr auto kFfnNorm = vector(TensorRole::ffn_norm, "ffn_norm.weight", kWidth);
inline constexpr auto kPostAttentionNorm =
    vector(TensorRole::post_attention_norm, "post_attention_norm.weight", kWidth);
inline constexpr auto kPostFfnNorm =
    vector(TensorRole::post_ffn_norm, "post_ffw_norm.weight", kWidth);

inline constexpr auto kQBias = vector(TensorRole::q_bias, "attn_q.bias", kHeads);
inline constexpr auto kKBias = vector(TensorRole::k_bias, "attn_k.bias", kKvHeads);
inline constexpr auto kVBias = vector(TensorRole::v_bias, "attn_v.bias", kKvHeads);
inline constexpr auto kHeadQNorm = vector(TensorRole::q_norm, "attn_q_norm.weight", kHead);
inline constexpr auto kHeadKNorm = vector(TensorRole::k_norm, "attn_k_norm.weight", kHead);

/// The tensors of a Llama layer, which several architectures share.
inline constexpr std::array kLlamaTensors{
    kAttentionNorm, kQ, kK, kV, kO, kFfnNorm, kGate, kUp, kDown};

} // namespace layer

} // namespace headroom::model
