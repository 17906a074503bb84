// The shape of any model file, from which `plan` and `simulate` take what it costs. A model that
// the decoder computes has the shape of its hyperparameters. Of others this file reads the metadata
// and the tensors that most architectures of llama.cpp share, and refuses what has unknown costs.
#pragma once

#include <string>
#include <vector>

#include "base/model_shape.hpp"
#include "model/gguf/gguf.hpp"

namespace headroom::model {

struct CostShape {
    std::string name; ///< general.name, or the file's name
    ModelShape shape;
    /// What a reader of the costs should know, one sentence each: why the decoder cannot compute
    /// the model, and what its costs leave out. Empty if the decoder can compute it.
    std::vector<std::string> notes;
};

/// Throws InputError with all reasons if the file does not say what its costs depend on, or says
/// it in a way that Headroom does not know.
[[nodiscard]] CostShape cost_shape_of(const GgufFile& file);

} // namespace headroom::model
