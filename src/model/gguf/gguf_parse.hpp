// From the bytes of a GGUF file to its metadata and tensor table. No file access here, so that
// damaged inputs can be tried by the thousand.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "model/gguf/gguf.hpp"

namespace headroom::model {

struct ParsedGguf {
    std::uint32_t version = 0;
    std::vector<std::pair<std::string, GgufValue>> metadata; ///< views into the bytes
    std::vector<GgufTensor> tensors;
};

/// From the first bytes of a file of `file_bytes`. Throws InputError, prefixed with `name`, for
/// everything that is not a sound GGUF v2 or v3, and MoreNeeded (gguf_cursor.hpp) if metadata and
/// tensor table do not end in what was given. A tensor of an unknown type has bytes = 0: its size
/// cannot be known.
[[nodiscard]] ParsedGguf parse_gguf(
    std::span<const std::byte> start, std::uint64_t file_bytes, const std::string& name
);

} // namespace headroom::model
