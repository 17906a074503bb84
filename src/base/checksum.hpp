// A 64-bit checksum of bytes, not cryptographic. Checksums detect changed bits in migrated weights
// and caches. A trace (output of a run) has checksums of the logits, so that runs can be compared.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "base/random.hpp"

namespace headroom {

/// Returns the checksum of the bytes. To process data in parts, pass the checksum of the earlier
/// parts as `state`; the result depends on how the data is divided into parts.
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
