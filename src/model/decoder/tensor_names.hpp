// The names and shapes of the tensors in a llama GGUF file, and the map from the tensors of a block
// to rows and columns of the tensors in the file. Source: gguf-py's constants for the llama
// architecture (ggml project).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "model/decoder/block.hpp"
#include "model/decoder/hyperparameters.hpp"

namespace headroom::model {

/// A tensor of the file. Norms have the shape (1, D) here and one dimension in the file.
struct ExpectedTensor {
    std::string name;
    std::int64_t rows = 0;
    std::int64_t columns = 0;
    bool norm = false;
};

inline constexpr std::int64_t kTensorsPerLayer = 9;

/// Returns all tensors that the file must have. Uses all members of `model` but name and types.
[[nodiscard]] std::vector<ExpectedTensor> expected_tensors(const Hyperparameters& model);

/// Where a tensor of a block begins in the file: the name of the file's tensor, and the first row
/// and column that the block stores.
struct TensorSource {
    std::string tensor;
    std::int64_t first_row = 0;
    std::int64_t first_column = 0;
};

/// Returns where the file has the tensor with this role of this block.
[[nodiscard]] TensorSource source_of(
    const Hyperparameters& model,
    const BlockName& block,
    TensorRole role,
    const Slicing& slicing = {}
);

} // namespace headroom::model
