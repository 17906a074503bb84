// SmolLM 3: every fourth layer has no RoPE.
#include "model/architectures/rows.hpp"

namespace headroom::model {

const Architecture kSmolLm3{
    .name = "smollm3",
    .layer_tensors = layer::kLlamaTensors,
    .features = {.no_rope_period = 4},
};

} // namespace headroom::model
