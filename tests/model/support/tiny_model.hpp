// Small random llama models as GGUF, for tests that must run without any file from outside.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "model/decoder/hyperparameters.hpp"
#include "tests/model/support/gguf_writer.hpp"
#include "tests/model/support/random_weights.hpp"

namespace headroom::model::test {

struct TinyShape {
    std::uint32_t layers = 2;
    std::uint32_t heads = 4;
    std::uint32_t kv_heads = 2;
    std::uint32_t width = 32;
    std::uint32_t ffn_width = 64;
    std::uint32_t vocabulary = 40;
    std::uint32_t context = 64;
    bool tied = false;
    Stored type = Stored::f32; ///< of all matrices
    std::optional<Stored>
        output{}; ///< of output.weight, if another one; as published files have it
    std::uint64_t seed = 1;
};

/// Metadata, a vocabulary and all tensors, the weights drawn from the seed.
[[nodiscard]] GgufWriter tiny_model(const TinyShape& shape);

/// What reading that file must give.
[[nodiscard]] Hyperparameters tiny_hyperparameters(const TinyShape& shape);

} // namespace headroom::model::test
