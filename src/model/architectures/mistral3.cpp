// Mistral 3 (Ministral and others of its generation).
#include "model/architectures/rows.hpp"

namespace headroom::model {

namespace mistral3 {

constexpr std::array<std::string_view, 1> kKeys{"attention.temperature_scale"};

} // namespace mistral3

const Architecture kMistral3{
    .name = "mistral3",
    .layer_tensors = layer::kLlamaTensors,
    .keys = mistral3::kKeys,
};

} // namespace headroom::model
