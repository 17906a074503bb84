// Reads from the tensors of a model file what else its costs depend on: how matrices are stored,
// and which norms and biases there are. The names are those that most architectures share.
#pragma once

#include <string>
#include <vector>

#include "base/model_shape.hpp"
#include "model/gguf/gguf.hpp"

namespace headroom::model {

/// Sets the types, norms, biases and the vocabulary of a shape whose sizes are set. Appends a
/// sentence per kind to `problems`: for tensors that are missing, of other shapes than the metadata
/// says, of types without kernels, not alike in all layers, or matrices whose costs are not known.
/// Appends one to `notes` for vectors that the costs leave out.
void read_standard_tensors(
    const GgufFile& file,
    ModelShape& shape,
    std::vector<std::string>& problems,
    std::vector<std::string>& notes
);

} // namespace headroom::model
