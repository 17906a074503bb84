// Qwen 2 and 2.5, dense models.
#include "model/architectures/rows.hpp"

namespace headroom::model {

namespace qwen2 {

using namespace layer;
constexpr std::array kTensors{
    kAttentionNorm, kQ, kQBias, kK, kKBias, kV, kVBias, kO, kFfnNorm, kGate, kUp, kDown};

} // namespace qwen2

const Architecture kQwen2{
    .name = "qwen2",
    .layer_tensors = qwen2::kTensors,
    .features = {.rope_pairs = RopePairs::halves},
    .qkv_bias = true,
};

} // namespace headroom::model
