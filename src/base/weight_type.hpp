// How weights are stored: a word that kernels, scheduler and model files share.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/units.hpp"

namespace headroom {

/// Types that are computed from as they are stored. Layouts are ggml's: f16 is IEEE binary16, bf16
/// the upper half of an F32; q8_0 a binary16 scale and 32 signed bytes; q4_0 a binary16 scale and
/// 16 bytes whose low nibbles are elements 0 … 15, the high ones 16 … 31, each minus 8.
enum class WeightType : std::uint8_t { f32, q8_0, f16, bf16, q4_0 };

inline constexpr std::array kWeightTypes{
    WeightType::f32, WeightType::q8_0, WeightType::f16, WeightType::bf16, WeightType::q4_0};

/// Elements per quantisation block along a row: 32 for q8_0 and q4_0, else 1.
[[nodiscard]] std::int64_t block_elements(WeightType type);
/// Stored bytes of one such block: f32 4, f16 and bf16 2, q8_0 34, q4_0 18.
[[nodiscard]] Bytes block_bytes(WeightType type);
/// Stored bytes of one row of `columns` elements; columns is a multiple of block_elements.
[[nodiscard]] Bytes row_bytes(WeightType type, std::int64_t columns);

[[nodiscard]] std::string_view name_of(WeightType type);
[[nodiscard]] std::optional<WeightType> weight_type_named(std::string_view name);

} // namespace headroom
