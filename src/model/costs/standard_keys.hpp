// Reads the sizes of a model from the metadata keys that most architectures share.
#pragma once

#include <string>
#include <vector>

#include "base/model_shape.hpp"
#include "model/gguf/gguf.hpp"

namespace headroom::model {

/// Sets the sizes of a shape: all but `vocabulary`, which follows from a tensor. Appends a sentence
/// to `problems` for each size that is missing, wrong or not the same in all layers, and one to
/// `notes` for what the costs leave out. Precondition: the file has a general.architecture.
void read_standard_keys(
    const GgufFile& file,
    ModelShape& shape,
    std::vector<std::string>& problems,
    std::vector<std::string>& notes
);

} // namespace headroom::model
