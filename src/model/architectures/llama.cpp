// Llama 2, 3 and 3.1 to 3.3 (whose frequencies have divisors), Mistral, TinyLlama, SmolLM 1 and 2.
#include "model/architectures/rows.hpp"

namespace headroom::model {

namespace llama {

constexpr std::array<std::string_view, 1> kKeys{"attention.sliding_window"};

} // namespace llama

const Architecture kLlama{
    .name = "llama",
    .layer_tensors = layer::kLlamaTensors,
    .keys = llama::kKeys,
};

} // namespace headroom::model
