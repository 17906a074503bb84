// Which tensors a llama GGUF file must hold for a decoder of given hyperparameters, and which of
// them a block's slot comes from.
// Source: gguf-py's constants for the llama architecture (ggml project).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "model/decoder/block.hpp"
#include "model/decoder/hyperparameters.hpp"

namespace headroom::model {

/// A tensor (rows, columns); norms are (1, D) and stored with one dimension.
struct ExpectedTensor {
    std::string name;
    std::int64_t rows = 0;
    std::int64_t columns = 0;
    bool norm = false;
};

inline constexpr std::int64_t kTensorsPerLayer = 9;

/// All tensors of the model. Needs all but name and types.
[[nodiscard]] std::vector<ExpectedTensor> expected_tensors(const Hyperparameters& model);

/// A place in the file: the tensor's name and the first of its rows and columns that a block's slot
/// takes.
struct TensorSource {
    std::string tensor;
    std::int64_t first_row = 0;
    std::int64_t first_column = 0;
};

[[nodiscard]] TensorSource source_of(
    const Hyperparameters& model, const BlockName& block, Slot slot, const Cut& cut = {}
);

} // namespace headroom::model
