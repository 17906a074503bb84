// Parses the metadata and the tensor table of a GGUF file. The input is bytes in memory, so that
// tests can parse thousands of damaged inputs without writing files.
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
    std::vector<std::pair<std::string, GgufValue>> metadata; ///< keys and values in file order
    std::vector<GgufTensor> tensors;
};

/// Parses `start`, the first bytes of a file that has `file_bytes` bytes. The result has views into
/// `start`. Throws InputError, whose message begins with `name`, if the file is not a valid GGUF
/// file of version 2 or 3. Throws MoreBytesNeeded (gguf_cursor.hpp) if the metadata and the tensor
/// table do not end within `start`.
[[nodiscard]] ParsedGguf parse_gguf(
    std::span<const std::byte> start, std::uint64_t file_bytes, const std::string& name
);

} // namespace headroom::model
