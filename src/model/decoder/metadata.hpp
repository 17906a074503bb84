// Reads the hyperparameters that stand in the metadata of a GGUF file. A key that asks for a
// computation which the kernels cannot do is reported as a problem.
#pragma once

#include <string>
#include <vector>

#include "model/decoder/hyperparameters.hpp"
#include "model/gguf/gguf.hpp"

namespace headroom::model {

/// Returns the hyperparameters without those that follow from the tensors: `vocabulary`, `tied` and
/// the weight types. Appends one sentence per problem to `problems`; a required size that is
/// missing or wrong is 0 in the result. Throws InputError if the architecture is missing or has no
/// row in architecture.cpp, if the file is only one part of a split model, or if it is an adapter,
/// a projector or an importance matrix instead of a model.
[[nodiscard]] Hyperparameters read_metadata(
    const GgufFile& file, std::vector<std::string>& problems
);

} // namespace headroom::model
