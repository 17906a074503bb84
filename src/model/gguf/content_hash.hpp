// The content hash of a model file: XXH64 with seed 0, which is not cryptographic. `xxhsum -H1
// FILE` prints the hash that a trace contains. The code follows the xxHash specification, version
// 0.1.1 (github.com/Cyan4973/xxHash).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace headroom::model {

class ContentHash {
  public:
    static constexpr std::size_t kStripeBytes = 32;

    ContentHash();
    /// Precondition: the lengths of all earlier pieces are multiples of kStripeBytes.
    void add(std::span<const std::byte> piece);
    [[nodiscard]] std::uint64_t value() const;

  private:
    std::array<std::uint64_t, 4> lanes_;
    std::array<std::byte, kStripeBytes> rest_{};
    std::size_t rest_bytes_ = 0;
    std::uint64_t bytes_ = 0;
};

[[nodiscard]] std::uint64_t content_hash(std::span<const std::byte> bytes);

} // namespace headroom::model
