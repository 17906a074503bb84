// Conversions from IEEE binary16 and bfloat16 to binary32. They are exact for every value,
// subnormals and infinities included, and need no F16C instructions. Weights of type F16 and the
// scales of quantisation blocks are stored as binary16.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

namespace headroom::kernels {

/// Returns the value of the binary16 with these bits. A NaN becomes some NaN.
[[nodiscard]] inline float half_to_float(std::uint16_t bits) {
    const std::uint32_t sign = (bits & 0x8000U) << 16;
    const std::uint32_t magnitude = bits & 0x7FFFU;
    if (magnitude >= 0x7C00U) {
        return std::bit_cast<float>(sign | 0x7F800000U | ((magnitude & 0x3FFU) << 13));
    }
    // `tiny` has the half's exponent bits in a float's exponent field. Because the biases differ
    // (15 and 127), `tiny` is too small by a factor of 2^112. The multiplication is exact and
    // normalises subnormals.
    const float tiny = std::bit_cast<float>(sign | (magnitude << 13));
    return tiny * 0x1.0p+112F;
}

/// Returns the value of the little-endian binary16 at `data`, which may have any alignment.
[[nodiscard]] inline float half_at(const std::byte* data) {
    const auto low = std::to_integer<std::uint32_t>(data[0]);
    const auto high = std::to_integer<std::uint32_t>(data[1]);
    return half_to_float(static_cast<std::uint16_t>(low | (high << 8)));
}

/// Returns the value of the little-endian bfloat16 at `data`. A bfloat16 is the upper half of a
/// float.
[[nodiscard]] inline float bfloat_at(const std::byte* data) {
    const auto low = std::to_integer<std::uint32_t>(data[0]);
    const auto high = std::to_integer<std::uint32_t>(data[1]);
    return std::bit_cast<float>((low << 16) | (high << 24));
}

} // namespace headroom::kernels
