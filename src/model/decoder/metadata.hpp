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
/// missing or wrong is 0 in the result. Throws InputError if the file is not a model (but an
/// adapter, a projector or an importance matrix), is one part of a split model, or has an
/// architecture without a row in architecture.cpp.
[[nodiscard]] Hyperparameters read_metadata(
    const GgufFile& file, std::vector<std::string>& problems
);

} // namespace headroom::model
