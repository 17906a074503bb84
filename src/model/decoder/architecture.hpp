// The table of architectures that the decoder can compute, and what follows from a row of this
// table: which tensors a GGUF file must have, and where in the file the tensors of a block are
// (decoder/block.hpp). The names are taken from gguf-py's constants (ggml project).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/decoder/block.hpp"
#include "model/decoder/hyperparameters.hpp"

namespace headroom::model {

/// Returns the number of rows or columns of a tensor.
using Extent = std::int64_t (*)(const Hyperparameters&);

struct LayerTensor {
    /// The role of the tensor in its block. The attention norm of a layer has the role next_norm
    /// (the norm for the next layer), because the layer before applies it. No layer is before layer
    /// 0, so block embed applies the attention norm of layer 0, in the role first_norm.
    TensorRole role = TensorRole::q;
    std::string_view name;                  ///< NAME in the file's "blk.LAYER.NAME.weight"
    Extent rows = nullptr;                  ///< null for norms, which have one row
    WeightType LayerTypes::*type = nullptr; ///< null for norms
    Extent columns = nullptr;               ///< null: the model's width
};

/// A row of the table of architectures. All architectures are computed in the same way: RMS norms
/// before attention and FFN, interleaved rope pairs, softmax attention, SwiGLU, no biases.
struct Architecture {
    std::string_view name; ///< the value of `general.architecture`; other keys begin with it
    std::span<const LayerTensor> layer_tensors;
};

[[nodiscard]] std::span<const Architecture> architectures();
/// Returns null if no row has this name.
[[nodiscard]] const Architecture* find_architecture(std::string_view name);

/// A tensor of the file. Norm weights have the shape (1, D) here and one dimension in the file.
struct ExpectedTensor {
    std::string name;
    std::int64_t rows = 0;
    std::int64_t columns = 0;
    bool norm = false;
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
