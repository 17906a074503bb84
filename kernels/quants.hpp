// Functions that read the rows of matrices element by element, one struct for each weight type that
// kernels do not expand (kernels/expand). A quantisation block of q8_0 is a binary16 scale and 32
// signed bytes. One of q4_0 is a binary16 scale and 16 bytes; the low nibbles minus 8 are elements
// 0 to 15, and the high nibbles minus 8 are elements 16 to 31. An element times the scale is the
// weight.
// Files that are compiled with AVX options must not include this header. Its inline functions would
// then be compiled with AVX, too, and the linker might keep that copy for the whole program.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/weight_type.hpp"
#include "kernels/definition.hpp"
#include "kernels/half.hpp"

namespace headroom::kernels {

/// For F32, F16 and BF16, at(row, i) returns element i of a row. For the quantised types, at(block,
/// i) returns the integer that, multiplied by the scale, is element i of a quantisation block. For
/// Q4_0 this is the stored integer minus 8.
template <WeightType kType>
struct Stored;

template <>
struct Stored<WeightType::f32> {
    static float at(const std::byte* row, std::int64_t i) {
        return reinterpret_cast<const float*>(row)[i];
    }
};

template <>
struct Stored<WeightType::f16> {
    static float at(const std::byte* row, std::int64_t i) { return half_at(row + 2 * i); }
};

template <>
struct Stored<WeightType::bf16> {
    static float at(const std::byte* row, std::int64_t i) { return bfloat_at(row + 2 * i); }
};

template <>
struct Stored<WeightType::q8_0> {
    static int at(const std::byte* block, std::int64_t i) {
        return static_cast<std::int8_t>(block[kQuantsAt + i]);
    }
};

template <>
struct Stored<WeightType::q4_0> {
    static int at(const std::byte* block, std::int64_t i) {
        const auto byte = std::to_integer<int>(block[kQuantsAt + i % 16]);
        return (i < 16 ? byte & 15 : byte >> 4) - 8;
    }
};

} // namespace headroom::kernels
