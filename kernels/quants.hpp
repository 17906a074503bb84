// Functions that read the rows of quantised matrices element by element. Files that are compiled
// with AVX options must not include this header, because it defines inline functions (see
// definition.hpp).
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/weight_type.hpp"
#include "kernels/definition.hpp"
#include "kernels/half.hpp"

namespace headroom::kernels {

/// Returns the bytes of one stored row: row_bytes(type, columns) without its checks.
[[nodiscard]] inline std::int64_t stored_row_bytes(WeightType type, std::int64_t columns) {
    switch (type) {
    case WeightType::f32:
        return columns * 4;
    case WeightType::f16:
    case WeightType::bf16:
        return columns * 2;
    case WeightType::q8_0:
        return columns / kQ8Elements * kQ8Bytes;
    case WeightType::q4_0:
        return columns / kQ4Elements * kQ4Bytes;
    }
    return 0;
}

/// Returns element i < 32 of a Q8_0 block, before the multiplication by the scale.
[[nodiscard]] inline int q8_0_at(const std::byte* block, std::int64_t i) {
    return static_cast<std::int8_t>(block[kQ8QuantsAt + i]);
}

/// Returns element i < 32 of a Q4_0 block, −8 to 7, before the multiplication by the scale.
[[nodiscard]] inline int q4_0_at(const std::byte* block, std::int64_t i) {
    const std::int64_t half = kQ4Elements / 2;
    const auto byte = std::to_integer<int>(block[kQ4QuantsAt + i % half]);
    return (i < half ? byte & 15 : byte >> 4) - kQ4Offset;
}

} // namespace headroom::kernels
