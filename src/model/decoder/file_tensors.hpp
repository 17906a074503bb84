// What follows from a row of the table of architectures: which tensors a GGUF file must have, and
// where in the file the tensors of a block are (decoder/block.hpp).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/architectures/architecture.hpp"
#include "model/architectures/hyperparameters.hpp"
#include "model/decoder/block.hpp"

namespace headroom::model {

/// A tensor of the file. Vectors (norms and biases) have the shape (1, N) here and one dimension in
/// the file.
struct ExpectedTensor {
    std::string name;
    std::int64_t rows = 0;
    std::int64_t columns = 0;
    bool vector = false;
};

/// Returns all tensors that the file must have. The weight types in `model` need not be set yet,
/// because the result does not depend on them.
[[nodiscard]] std::vector<ExpectedTensor> expected_tensors(const Hyperparameters& model);

/// Where a tensor of a block begins in the file: the name of the file's tensor, and the first row
/// and column that the block stores.
struct TensorSource {
    std::string tensor;
    std::int64_t first_row = 0;
    std::int64_t first_column = 0;
};

[[nodiscard]] TensorSource source_of(
    const Hyperparameters& model,
    const BlockName& block,
    TensorRole role,
    const Slicing& slicing = {}
);

/// Returns the name of a layer's tensor in the file.
[[nodiscard]] std::string in_layer(std::int32_t layer, std::string_view tensor);

} // namespace headroom::model
