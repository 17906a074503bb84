// Small random models as GGUF files, for tests that need no other files.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "model/architectures/hyperparameters.hpp"
#include "model/gguf/gguf.hpp"
#include "tests/model/support/gguf_writer.hpp"
#include "tests/model/support/random_weights.hpp"

namespace headroom::model::test {

struct TinyShape {
    std::string architecture = "llama";
    std::uint32_t layers = 2;
    std::uint32_t heads = 4;
    std::uint32_t kv_heads = 2;
    std::uint32_t width = 32;
    std::uint32_t head_width = 0; ///< 0: width / heads
    std::uint32_t ffn_width = 64;
    std::uint32_t vocabulary = 40;
    std::uint32_t context = 64;
    bool tied = false;
    StoredType type = StoredType::f32;  ///< type of all matrices
    std::optional<StoredType> output{}; ///< type of output.weight, if it differs
    std::uint64_t seed = 1;
};

/// Returns a model with metadata, a vocabulary and random tensors. If the architecture is unknown,
/// its tensors are those of `llama`.
[[nodiscard]] GgufWriter tiny_model(const TinyShape& shape);

/// Writes a SentencePiece-style vocabulary of `size` tokens.
void write_tiny_vocabulary(GgufWriter& writer, std::uint32_t size);

/// Returns a copy of a file in memory, with this vocabulary instead of its own.
[[nodiscard]] GgufWriter with_tiny_vocabulary(const GgufFile& file);

/// Returns the hyperparameters that the reader must find in that file.
[[nodiscard]] Hyperparameters tiny_hyperparameters(const TinyShape& shape);

} // namespace headroom::model::test
