// A 64-bit checksum of bytes: catches flipped bits in migrated pieces and names logits in a trace.
// Not cryptographic.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "base/random.hpp"

namespace headroom {

/// Continues from `state`, so that parts can be summed one after the other; the result depends on
/// where the parts are cut.
[[nodiscard]] inline std::uint64_t checksum(
    std::span<const std::byte> bytes, std::uint64_t state = 0
) {
    std::uint64_t sum = mix_bits(state ^ bytes.size());
    std::size_t i = 0;
    for (; i + 8 <= bytes.size(); i += 8) {
        std::uint64_t word = 0;
        std::memcpy(&word, bytes.data() + i, 8);
        sum = mix_bits(sum ^ word);
    }
    if (i < bytes.size()) {
        std::uint64_t word = 0;
        std::memcpy(&word, bytes.data() + i, bytes.size() - i);
        sum = mix_bits(sum ^ word);
    }
    return sum;
}

} // namespace headroom
