// What stored weights are worth, in double and from the words of the formats alone: nothing is
// shared with kernels/. Exact for every type.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
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

/// An F32 at any place.
inline double single(const std::byte* p) {
    float value = 0;
    std::memcpy(&value, p, sizeof value);
    return static_cast<double>(value);
}

inline double half_at(const std::byte* p) {
    return half(little_endian_16(p));
}

/// `count` bits of byte `at`, from bit `shift` on.
inline int bits_of(const std::byte* p, std::int64_t at, std::int64_t shift, int count) {
    return std::to_integer<int>(p[at]) / (1 << shift) % (1 << count);
}

inline int signed_byte(std::byte byte) {
    const int value = std::to_integer<int>(byte);
    return value >= 128 ? value - 256 : value;
}

/// Element i of 32 nibbles: the low ones of 16 bytes, then the high ones.
inline int nibble(const std::byte* p, std::int64_t i) {
    return bits_of(p, i % 16, i / 16 * 4, 4);
}

/// The value of one of 16 codes on the curve of the IQ4 types.
inline double curve(int code) {
    const int positive[] = {1, 13, 25, 38, 53, 69, 89, 113};
    const int negative[] = {10, 22, 35, 49, 65, 83, 104, 127};
    return code >= 8 ? positive[code - 8] : -negative[7 - code];
}

/// A floating-point number of 4 bits: sign, two bits of exponent, one of fraction.
inline double four_bits(int code) {
    const int exponent = code / 2 % 4;
    const double size =
        exponent == 0 ? code % 2 * 0.5 : std::ldexp(1.0 + code % 2 * 0.5, exponent - 1);
    return code > 8 ? -size : size; // code 8, minus zero, counts as 0
}

/// The two low bits of element i of q2_k and q3_k: bytes of four elements, which are 32 apart.
inline int two_bits(const std::byte* p, std::int64_t i) {
    return bits_of(p, i / 128 * 32 + i % 32, i / 32 % 4 * 2, 2);
}

inline double q2_k(const std::byte* block, std::int64_t i) {
    const std::int64_t part = i / 16;
    return half_at(block + 80) * bits_of(block, part, 0, 4) * two_bits(block + 16, i) -
           half_at(block + 82) * bits_of(block, part, 4, 4);
}

inline double q3_k(const std::byte* block, std::int64_t i) {
    const std::int64_t part = i / 16;
    const int low = bits_of(block, 96 + part % 8, part / 8 * 4, 4);
    const int high = bits_of(block, 104 + part % 4, part / 4 * 2, 2);
    const int quant = two_bits(block + 32, i) + 4 * bits_of(block, i % 32, i / 32, 1);
    return half_at(block + 108) * (low + 16 * high - 32) * (quant - 4);
}

/// q4_k, or q5_k: the bits above the nibbles stand in between, 32 bytes from `fifths` on.
inline double q45_k(
    const std::byte* block, const std::byte* fifths, const std::byte* nibbles, std::int64_t i
) {
    const std::int64_t j = i / 32;
    const auto bits = [&](std::int64_t at, int shift, int count) {
        return bits_of(block, 4 + at, shift, count);
    };
    const int scale = j < 4 ? bits(j, 0, 6) : bits(j + 4, 0, 4) + 16 * bits(j - 4, 6, 2);
    const int least = j < 4 ? bits(j + 4, 0, 6) : bits(j + 4, 4, 4) + 16 * bits(j, 6, 2);
    const int low = bits_of(nibbles, i / 64 * 32 + i % 32, j % 2 * 4, 4);
    const int fifth = fifths == nullptr ? 0 : bits_of(fifths, i % 32, j, 1);
    return half_at(block) * scale * (low + 16 * fifth) - half_at(block + 2) * least;
}

inline double q6_k(const std::byte* block, std::int64_t i) {
    const std::int64_t part = i / 128;
    const std::int64_t within = i % 128;
    const int low = bits_of(block, 64 * part + within % 64, within / 64 * 4, 4);
    const int high = bits_of(block, 128 + 32 * part + within % 32, within / 32 * 2, 2);
    return half_at(block + 208) * signed_byte(block[192 + i / 16]) * (low + 16 * high - 32);
}

inline double iq4_xs(const std::byte* block, std::int64_t i) {
    const std::int64_t j = i / 32;
    const int low = bits_of(block, 4 + j / 2, j % 2 * 4, 4);
    const int high = bits_of(block, 2 + j / 4, j % 4 * 2, 2);
    return half_at(block) * (low + 16 * high - 32) * curve(nibble(block + 8 + 16 * j, i % 32));
}

/// Element i of a quantisation block, or weight 0 of a type without them.
inline double element_of_block(WeightType type, const std::byte* block, std::int64_t i) {
    const auto five_bits = [&](std::int64_t fifths) {
        return nibble(block + fifths + 4, i) + 16 * bits_of(block, fifths + i / 8, i % 8, 1);
    };
    switch (type) {
    case WeightType::f32:
        return single(block);
    case WeightType::f16:
        return half_at(block);
    case WeightType::bf16:
        return bfloat(little_endian_16(block));
    case WeightType::q8_0:
        return half_at(block) * signed_byte(block[2 + i]);
    case WeightType::q4_0:
        return half_at(block) * (nibble(block + 2, i) - 8);
    case WeightType::q4_1:
        return half_at(block) * nibble(block + 4, i) + half_at(block + 2);
    case WeightType::q5_0:
        return half_at(block) * (five_bits(2) - 16);
    case WeightType::q5_1:
        return half_at(block) * five_bits(4) + half_at(block + 2);
    case WeightType::q2_k:
        return q2_k(block, i);
    case WeightType::q3_k:
        return q3_k(block, i);
    case WeightType::q4_k:
        return q45_k(block, nullptr, block + 16, i);
    case WeightType::q5_k:
        return q45_k(block, block + 16, block + 48, i);
    case WeightType::q6_k:
        return q6_k(block, i);
    case WeightType::iq4_nl:
        return half_at(block) * curve(nibble(block + 2, i));
    case WeightType::iq4_xs:
        return iq4_xs(block, i);
    case WeightType::mxfp4:
        return std::ldexp(four_bits(nibble(block + 1, i)), std::to_integer<int>(block[0]) - 127);
    }
    return std::nan("");
}

/// Element k of a stored row.
inline double element(WeightType type, const std::byte* row, std::int64_t k) {
    const WeightFormat& format = format_of(type);
    return element_of_block(type, row + k / format.elements * format.bytes, k % format.elements);
}

} // namespace headroom::kernels::naive
