// Qwen 3, dense models.
#include "model/architectures/rows.hpp"

namespace headroom::model {

namespace qwen3 {

using namespace layer;
constexpr std::array kTensors{
    kAttentionNorm, kQ, kK, kV, kHeadQNorm, kHeadKNorm, kO, kFfnNorm, kGate, kUp, kDown};

} // namespace qwen3

const Architecture kQwen3{
    .name = "qwen3",
    .layer_tensors = qwen3::kTensors,
    .features = {.rope_pairs = RopePairs::halves},
    .qk_norm = QkNorm::head,
};

} // namespace headroom::model
