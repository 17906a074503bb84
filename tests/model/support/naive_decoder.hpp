// A decoder written for reading, not for speed: double precision, no cache, no blocks, weights
// straight from the file by their names. It shares only the GGUF reader with what it judges.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "model/gguf/gguf.hpp"

namespace headroom::model::test {

/// Logits after the last of the ids.
[[nodiscard]] std::vector<double> naive_logits(
    const GgufFile& file, std::span<const std::int32_t> ids
);

} // namespace headroom::model::test
