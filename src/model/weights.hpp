// From a GGUF file to hyperparameters and filled blocks.
#pragma once

#include "base/block.hpp"
#include "model/block.hpp"
#include "model/gguf.hpp"
#include "model/hyperparameters.hpp"

namespace headroom::model {

/// Reads and checks: architecture, all tensors present with the shapes that the metadata says,
/// types that can be computed (F32, Q8_0; norms F32), finite norms. All problems at once.
[[nodiscard]] Hyperparameters read_hyperparameters(const GgufFile& file);

/// Copies the block's tensors (the group's own rows of q, k, v) out of the mapped file into its
/// pieces, allocating them.
void load_block(const GgufFile& file, const Hyperparameters& model, Block& block);

} // namespace headroom::model
