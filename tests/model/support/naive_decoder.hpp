// A simple, slow decoder with which the oracle is compared. It computes in double precision,
// without KV cache and blocks, and reads weights by their names in the file. It shares only the
// GGUF reader with the oracle.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "model/gguf/gguf.hpp"

namespace headroom::model::test {

/// Returns the logits after the last id.
[[nodiscard]] std::vector<double> naive_logits(
    const GgufFile& file, std::span<const std::int32_t> ids
);

} // namespace headroom::model::test
