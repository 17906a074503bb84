// All rows of the table of architectures. Each is defined in a file of its own.
#pragma once

#include <array>

#include "model/architectures/architecture.hpp"

namespace headroom::model {

extern const Architecture kGemma2;
extern const Architecture kGemma3;
extern const Architecture kLlama;
extern const Architecture kMistral3;
extern const Architecture kOlmo2;
extern const Architecture kPhi3;
extern const Architecture kQwen2;
extern const Architecture kQwen3;
extern const Architecture kSmolLm3;

inline constexpr std::array kArchitectures{
    &kLlama,
    &kMistral3,
    &kQwen2,
    &kQwen3,
    &kGemma2,
    &kGemma3,
    &kPhi3,
    &kOlmo2,
    &kSmolLm3,
};

} // namespace headroom::model
