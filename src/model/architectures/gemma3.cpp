// Gemma 3, the language models.
#include <cmath>

#include "model/architectures/rows.hpp"

namespace headroom::model {

namespace gemma3 {

using namespace layer;
constexpr std::array kTensors{
    kAttentionNorm,
    kQ,
    kK,
    kV,
    kHeadQNorm,
    kHeadKNorm,
    kO,
    kPostAttentionNorm,
    kFfnNorm,
    kGate,
    kUp,
    kDown,
    kPostFfnNorm,
};

constexpr std::array<std::string_view, 3> kKeys{
    "attention.sliding_window", "rope.freq_base_swa", "final_logit_softcapping"};

constexpr std::int32_t kLayersOf27B = 62;

/// Gemma 3 27B divides q·k by sqrt(D/H), although its heads are narrower than D/H.
static void adjust(ModelShape& shape, Features& features) {
    features.embedding_scale = std::sqrt(static_cast<float>(shape.width));
    if (shape.layers == kLayersOf27B) {
        features.attention_scale = 1.0F / std::sqrt(static_cast<float>(shape.width / shape.heads));
    }
}

} // namespace gemma3

const Architecture kGemma3{
    .name = "gemma3",
    .layer_tensors = gemma3::kTensors,
    .features = {.rope_pairs = RopePairs::halves, .activation = Activation::gelu},
    .qk_norm = QkNorm::head,
    .norm_place = NormPlace::around,
    .keys = gemma3::kKeys,
    .window_period = 6,
    .window_rope = WindowRope::base_10000,
    .adjust = gemma3::adjust,
};

} // namespace headroom::model
