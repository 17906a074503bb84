// Conversions between IEEE binary16 or bfloat16 and binary32, without F16C instructions. Those to
// binary32 are exact for every value, subnormals and infinities included. Those from binary32 round
// to the nearest number, ties to even. Weights and caches of type F16 and the scales of
// quantisation blocks are stored as binary16.
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

/// Returns the bits of the binary16 nearest to x: an infinity if |x| ≥ 65520, a NaN if x is one.
[[nodiscard]] inline std::uint16_t half_of(float x) {
    const auto bits = std::bit_cast<std::uint32_t>(x);
    const std::uint32_t sign = (bits >> 16) & 0x8000U;
    const std::uint32_t magnitude = bits & 0x7FFF'FFFFU;
    constexpr std::uint32_t kInfinity = 0x7F80'0000U;
    constexpr std::uint32_t kOverflow = 0x477F'F000U; // 65520, halfway from 65504 to 65536
    constexpr std::uint32_t kNormal = 0x3880'0000U;   // 2^-14, the smallest normal binary16
    if (magnitude >= kOverflow) {
        return static_cast<std::uint16_t>(sign | (magnitude > kInfinity ? 0x7E00U : 0x7C00U));
    }
    if (magnitude < kNormal) {
        // The floats from 0.5 to 1 are multiples of 2^-24, as the subnormals of binary16 are. So
        // the addition rounds as it must, and the sum has the subnormal in its lowest bits.
        const float sum = std::bit_cast<float>(magnitude) + 0.5F;
        const std::uint32_t steps = std::bit_cast<std::uint32_t>(sum) & 0x7F'FFFFU;
        return static_cast<std::uint16_t>(sign | steps);
    }
    constexpr std::uint32_t kBias = (127U - 15U) << 23;
    const std::uint32_t odd = (magnitude >> 13) & 1U; // of the last bit that stays
    return static_cast<std::uint16_t>(sign | ((magnitude - kBias + 0xFFFU + odd) >> 13));
}

/// Returns the bits of the bfloat16 nearest to x: an infinity if |x| is too large, a NaN if x is
/// one.
[[nodiscard]] inline std::uint16_t bfloat_of(float x) {
    const auto bits = std::bit_cast<std::uint32_t>(x);
    if ((bits & 0x7FFF'FFFFU) > 0x7F80'0000U) {
        return static_cast<std::uint16_t>((bits >> 16) | 0x40U); // stays a NaN
    }
    const std::uint32_t odd = (bits >> 16) & 1U;
    return static_cast<std::uint16_t>((bits + 0x7FFFU + odd) >> 16);
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
