// Files that are not models, or not models that the decoder can compute, are refused by name.
#pragma once

#include "model/architectures/architecture.hpp"
#include "model/gguf/gguf.hpp"

namespace headroom::model {

/// Returns the architecture of a model file. Throws InputError with the reason if the file is an
/// adapter, a projector or an importance matrix, or if no row of the table has its architecture.
[[nodiscard]] const Architecture& known_architecture(const GgufFile& file);

} // namespace headroom::model
