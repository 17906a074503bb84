// How weights are stored: a word that kernels, scheduler and model files share.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/units.hpp"

namespace headroom {

enum class WeightType : std::uint8_t { f32, q8_0 };

/// Elements per quantisation block along a row: 1 for f32, 32 for q8_0.
[[nodiscard]] std::int64_t block_elements(WeightType type);
/// Stored bytes of one such block: 4 for f32, 34 for q8_0 (fp16 scale, 32 signed bytes).
[[nodiscard]] Bytes block_bytes(WeightType type);
/// Stored bytes of one row of `columns` elements; columns is a multiple of block_elements.
[[nodiscard]] Bytes row_bytes(WeightType type, std::int64_t columns);

[[nodiscard]] std::string_view name_of(WeightType type);
[[nodiscard]] std::optional<WeightType> weight_type_named(std::string_view name);

} // namespace headroom
