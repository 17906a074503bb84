// IEEE binary16 and bfloat16 to binary32, exact for every value including subnormals and
// infinities. Scales of quantised blocks are stored as binary16. Plain integer code: the same on
// CPUs without F16C.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

namespace headroom::kernels {

/// `bits` as stored; a NaN comes out as some NaN.
[[nodiscard]] inline float half_to_float(std::uint16_t bits) {
    const std::uint32_t sign = (bits & 0x8000U) << 16;
    const std::uint32_t magnitude = bits & 0x7FFFU;
    if (magnitude >= 0x7C00U) {
        return std::bit_cast<float>(sign | 0x7F800000U | ((magnitude & 0x3FFU) << 13));
    }
    // Read as a float with the small exponent of a half, the number is 2^-112 of what it should be;
    // the multiplication is exact and normalises subnormals on the way.
    const float tiny = std::bit_cast<float>(sign | (magnitude << 13));
    return tiny * 0x1.0p+112F;
}

/// The half stored little-endian at `data`, at any alignment.
[[nodiscard]] inline float half_at(const std::byte* data) {
    const auto low = std::to_integer<std::uint32_t>(data[0]);
    const auto high = std::to_integer<std::uint32_t>(data[1]);
    return half_to_float(static_cast<std::uint16_t>(low | (high << 8)));
}

/// The bfloat16 stored little-endian at `data`: the upper half of a float, so exact.
[[nodiscard]] inline float bfloat_at(const std::byte* data) {
    const auto low = std::to_integer<std::uint32_t>(data[0]);
    const auto high = std::to_integer<std::uint32_t>(data[1]);
    return std::bit_cast<float>((low << 16) | (high << 24));
}

} // namespace headroom::kernels
