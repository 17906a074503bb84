// Checks the tensors of a model file, as a part of reading its hyperparameters. Each function
// appends at most one sentence per kind of problem to `problems`.
#pragma once

#include <string>
#include <vector>

#include "model/decoder/file_tensors.hpp"
#include "model/gguf/gguf.hpp"

namespace headroom::model {

/// Reports the tensor types with which the decoder cannot compute, and how many tensors have each.
void check_tensor_types(const GgufFile& file, std::vector<std::string>& problems);

/// Reports expected tensors that are missing or have another shape than the metadata says, and norm
/// weights that are not F32. Also reports unexpected tensors, because the decoder does not use
/// them, so that its results would be wrong.
void check_tensor_shapes(
    const GgufFile& file,
    const std::vector<ExpectedTensor>& expected,
    std::vector<std::string>& problems
);

/// Reports norm weights that are not finite. Precondition: the other checks found no problem.
void check_norms(
    const GgufFile& file,
    const std::vector<ExpectedTensor>& expected,
    std::vector<std::string>& problems
);

} // namespace headroom::model
