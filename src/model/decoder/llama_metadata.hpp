// The metadata half of reading hyperparameters: the keys of the llama architecture, and the keys
// that would change the computation in a way that the kernels do not follow.
#pragma once

#include <string>
#include <vector>

#include "model/decoder/hyperparameters.hpp"
#include "model/gguf/gguf.hpp"

namespace headroom::model {

/// All but the tensors' part (vocabulary, tied, types). Problems are appended to `problems`; the
/// result is only meaningful if there are none. Throws InputError if the file is no model
/// (an adapter, a projector, an importance matrix) or the architecture is another.
[[nodiscard]] Hyperparameters read_llama_metadata(
    const GgufFile& file, std::vector<std::string>& problems
);

} // namespace headroom::model
