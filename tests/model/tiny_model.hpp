// Small random llama models as GGUF, for tests that must run without any file from outside.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "gguf_writer.hpp"
#include "model/hyperparameters.hpp"

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
    bool quantised = false; ///< matrices in Q8_0 instead of F32
    std::uint64_t seed = 1;
};

/// Metadata, a vocabulary and all tensors, the weights drawn from the seed.
[[nodiscard]] GgufWriter tiny_model(const TinyShape& shape);

/// What reading that file must give.
[[nodiscard]] Hyperparameters tiny_hyperparameters(const TinyShape& shape);

/// Bytes of `count` weights: F32 in ±amplitude, or Q8_0 blocks of about that size.
[[nodiscard]] std::string random_weights(
    std::uint64_t stream, std::uint64_t count, double amplitude, bool quantised
);

} // namespace headroom::model::test
