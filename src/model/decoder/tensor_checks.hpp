// The tensor half of reading hyperparameters: are all tensors there, with the shapes that the
// metadata says, of types that can be computed, and nothing that would be left out.
#pragma once

#include <string>
#include <vector>

#include "model/decoder/tensor_names.hpp"
#include "model/gguf/gguf.hpp"

namespace headroom::model {

/// Appends a problem if tensors have types that cannot be computed: which, how many, what to do.
void check_tensor_types(const GgufFile& file, std::vector<std::string>& problems);

/// Appends a problem per kind: missing, of another shape, not expected, quantised norms.
void check_tensor_shapes(
    const GgufFile& file,
    const std::vector<ExpectedTensor>& expected,
    std::vector<std::string>& problems
);

/// Appends a problem if norm weights are not finite. Precondition: the other checks passed.
void check_norms(
    const GgufFile& file,
    const std::vector<ExpectedTensor>& expected,
    std::vector<std::string>& problems
);

} // namespace headroom::model
