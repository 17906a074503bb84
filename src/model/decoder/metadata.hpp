// Reads the hyperparameters that stand in the metadata of a GGUF file. Keys that ask for a
// computation that the kernels do not have are reported as problems.
#pragma once

#include <string>
#include <vector>

#include "model/decoder/hyperparameters.hpp"
#include "model/gguf/gguf.hpp"

namespace headroom::model {

/// Returns the hyperparameters without those that follow from the tensors: `vocabulary`, `tied` and
/// the weight types. Appends one sentence per problem to `problems`; a number that is missing or
/// wrong is 0 in the result. Throws InputError if the file is not a model (but an adapter, a
/// projector or an importance matrix) or if its architecture has no row in architecture.hpp.
[[nodiscard]] Hyperparameters read_metadata(
    const GgufFile& file, std::vector<std::string>& problems
);

} // namespace headroom::model
