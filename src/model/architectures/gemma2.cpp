// Gemma 2.
#include <cmath>

#include "model/architectures/rows.hpp"

namespace headroom::model {

namespace gemma2 {

using namespace layer;
constexpr std::array kTensors{
    kAttentionNorm, kQ, kK, kV, kO, kPostAttentionNorm, kFfnNorm, kGate, kUp, kDown, kPostFfnNorm};

constexpr std::array<std::string_view, 3> kKeys{
    "attention.sliding_window", "attn_logit_softcapping", "final_logit_softcapping"};

constexpr std::int32_t kLayersOf27B = 46;

/// Gemma 2 27B divides q·k by sqrt(D/H), although its heads are narrower than D/H.
static void adjust(ModelShape& shape, Features& features) {
    features.embedding_scale = std::sqrt(static_cast<float>(shape.width));
    if (shape.layers == kLayersOf27B) {
        features.attention_scale = 1.0F / std::sqrt(static_cast<float>(shape.width / shape.heads));
    }
}

} // namespace gemma2

const Architecture kGemma2{
    .name = "gemma2",
    .layer_tensors = gemma2::kTensors,
    // The caps of files from before their keys existed.
    .features =
        {.rope_pairs = RopePairs::halves,
         .activation = Activation::gelu,
         .attention_softcap = 50.0F,
         .final_softcap = 30.0F},
    .norm_place = NormPlace::around,
    .keys = gemma2::kKeys,
    .window = 4096,
    .window_period = 2,
    .adjust = gemma2::adjust,
};

} // namespace headroom::model
