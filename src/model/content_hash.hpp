// XXH64 with seed 0: a fast, well-known 64-bit content hash, so that `xxhsum -H1` on a model file
// prints what a trace recorded. Not cryptographic.
// Source: the xxHash specification, version 0.1.1 (github.com/Cyan4973/xxHash).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace headroom::model {

[[nodiscard]] std::uint64_t content_hash(std::span<const std::byte> bytes);

} // namespace headroom::model
