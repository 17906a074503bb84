// XXH64 with seed 0: a fast, well-known 64-bit content hash, so that `xxhsum -H1` on a model file
// prints what a trace recorded. Not cryptographic.
// Source: the xxHash specification, version 0.1.1 (github.com/Cyan4973/xxHash).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace headroom::model {

/// Of bytes that come in pieces.
class ContentHash {
  public:
    static constexpr std::size_t kGrain = 32;

    ContentHash();
    /// All pieces but the last are multiples of kGrain long.
    void add(std::span<const std::byte> piece);
    /// Of all pieces so far.
    [[nodiscard]] std::uint64_t value() const;

  private:
    std::array<std::uint64_t, 4> lanes_;
    std::array<std::byte, kGrain> rest_{};
    std::size_t rest_bytes_ = 0;
    std::uint64_t bytes_ = 0;
};

[[nodiscard]] std::uint64_t content_hash(std::span<const std::byte> bytes);

} // namespace headroom::model
