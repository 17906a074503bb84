// Phi 3, 3.5 and 4-mini: queries, keys and values are one tensor, gate and up another.
#include "model/architectures/rows.hpp"

namespace headroom::model {

namespace phi3 {

using namespace layer;
constexpr std::array kTensors{
    kAttentionNorm,
    matrix(TensorRole::q, "attn_qkv.weight", kHeads, kWidth, &LayerTypes::q),
    matrix(TensorRole::k, "attn_qkv.weight", kKvHeads, kWidth, &LayerTypes::k),
    matrix(TensorRole::v, "attn_qkv.weight", kKvHeads, kWidth, &LayerTypes::v),
    kO,
    kFfnNorm,
    matrix(TensorRole::gate, "ffn_up.weight", kFfn, kWidth, &LayerTypes::gate),
    kUp,
    kDown,
};

constexpr std::array<std::string_view, 1> kKeys{"attention.sliding_window"};

} // namespace phi3

const Architecture kPhi3{
    .name = "phi3",
    .layer_tensors = phi3::kTensors,
    .features = {.rope_pairs = RopePairs::halves},
    .keys = phi3::kKeys,
};

} // namespace headroom::model
