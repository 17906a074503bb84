// The types of stored weights and their sizes. Kernels, scheduler and model files share them.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/units.hpp"

namespace headroom {

/// A type of stored weights, which kernels read without converting the matrix first. The layouts
/// are ggml's. f16 is IEEE binary16, and bf16 is the upper half of an F32. A q8_0 block is a
/// binary16 scale and 32 signed bytes. A q4_0 block is a binary16 scale and 16 bytes; the low
/// nibbles minus 8 are elements 0 to 15, and the high nibbles minus 8 are elements 16 to 31.
enum class WeightType : std::uint8_t { f32, q8_0, f16, bf16, q4_0 };

inline constexpr std::array kWeightTypes{
    WeightType::f32, WeightType::q8_0, WeightType::f16, WeightType::bf16, WeightType::q4_0};

/// Returns the elements per quantisation block: 32 for q8_0 and q4_0, 1 for the other types.
[[nodiscard]] std::int64_t block_elements(WeightType type);
/// Returns the bytes of one quantisation block: f32 4, f16 and bf16 2, q8_0 34, q4_0 18.
[[nodiscard]] Bytes block_bytes(WeightType type);
/// Returns the bytes of one row of `columns` elements.
/// Precondition: columns is a multiple of block_elements(type).
[[nodiscard]] Bytes row_bytes(WeightType type, std::int64_t columns);

[[nodiscard]] std::string_view name_of(WeightType type);
[[nodiscard]] std::optional<WeightType> weight_type_named(std::string_view name);

} // namespace headroom
