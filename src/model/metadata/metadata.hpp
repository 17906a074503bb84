// Reads the hyperparameters that stand in the metadata of a GGUF file. A key that asks for a
// computation which the kernels cannot do is reported as a problem.
#pragma once

#include <string>
#include <vector>

#include "model/architectures/hyperparameters.hpp"
#include "model/gguf/gguf.hpp"

namespace headroom::model {

/// Returns the hyperparameters without those that follow from the tensors: `vocabulary`, `tied` and
/// the weight types. The divisors of RoPE's frequencies are read from their tensors. Appends one
/// sentence per problem to `problems`; a required size that is missing or wrong is 0 in the result.
/// Throws InputError if the architecture is missing or has no row in the table of architectures, or
/// if the file is an adapter, a projector or an importance matrix instead of a model.
[[nodiscard]] Hyperparameters read_metadata(
    const GgufFile& file, std::vector<std::string>& problems
);

} // namespace headroom::model
