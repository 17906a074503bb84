// OLMo 2 and OLMo 3: no norms before attention and ffn, and queries and keys of all heads are
// normalised together.
#include "model/architectures/rows.hpp"

namespace headroom::model {

namespace olmo2 {

using namespace layer;
constexpr std::array kTensors{
    kQ,
    kK,
    kV,
    vector(TensorRole::q_norm, "attn_q_norm.weight", kHeads),
    vector(TensorRole::k_norm, "attn_k_norm.weight", kKvHeads),
    kO,
    kPostAttentionNorm,
    kGate,
    kUp,
    kDown,
    kPostFfnNorm,
};

constexpr std::array<std::string_view, 1> kKeys{"attention.sliding_window"};

} // namespace olmo2

const Architecture kOlmo2{
    .name = "olmo2",
    .layer_tensors = olmo2::kTensors,
    .features = {.rope_pairs = RopePairs::halves},
    .qk_norm = QkNorm::width,
    .norm_place = NormPlace::after,
    .keys = olmo2::kKeys,
    .window_period = 4,
    .window_rope = WindowRope::unscaled, // layers with a window have no YaRN
};

} // namespace headroom::model
