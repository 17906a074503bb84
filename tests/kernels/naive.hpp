// What stored weights are worth, in double and from the words of the formats alone: nothing is
// shared with kernels/. Exact for every type.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>

#include "base/weight_type.hpp"

namespace headroom::kernels::naive {

/// A binary floating-point number of 16 bits with `fraction_bits` after the point.
inline double sixteen_bits(std::uint32_t bits, int fraction_bits) {
    const int exponent_bits = 15 - fraction_bits;
    const int exponent = static_cast<int>(bits >> fraction_bits) & ((1 << exponent_bits) - 1);
    const int fraction = static_cast<int>(bits) & ((1 << fraction_bits) - 1);
    const int bias = (1 << (exponent_bits - 1)) - 1;
    const double sign = bits >= 0x8000U ? -1.0 : 1.0;
    if (exponent == (1 << exponent_bits) - 1) {
        return fraction == 0 ? sign * std::numeric_limits<double>::infinity() : std::nan("");
    }
    const int significand = exponent == 0 ? fraction : fraction + (1 << fraction_bits);
    return sign * std::ldexp(significand, std::max(exponent, 1) - bias - fraction_bits);
}

inline double half(std::uint32_t bits) {
    return sixteen_bits(bits, 10);
}

inline double bfloat(std::uint32_t bits) {
    return sixteen_bits(bits, 7);
}

inline std::uint32_t little_endian_16(const std::byte* p) {
    return std::to_integer<std::uint32_t>(p[0]) + 256U * std::to_integer<std::uint32_t>(p[1]);
}

/// Element k of a stored row.
inline double element(WeightType type, const std::byte* row, std::int64_t k) {
    const std::int64_t i = k % 32; // within a block
    switch (type) {
    case WeightType::f32:
        return static_cast<double>(reinterpret_cast<const float*>(row)[k]);
    case WeightType::f16:
        return half(little_endian_16(row + 2 * k));
    case WeightType::bf16:
        return bfloat(little_endian_16(row + 2 * k));
    case WeightType::q8_0: {
        const std::byte* block = row + k / 32 * 34;
        const int byte = std::to_integer<int>(block[2 + i]);
        return half(little_endian_16(block)) * (byte >= 128 ? byte - 256 : byte);
    }
    case WeightType::q4_0: {
        const std::byte* block = row + k / 32 * 18;
        const int byte = std::to_integer<int>(block[2 + i % 16]);
        return half(little_endian_16(block)) * ((i < 16 ? byte % 16 : byte / 16) - 8);
    }
    }
    return std::nan("");
}

} // namespace headroom::kernels::naive
