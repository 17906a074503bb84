// Reads and writes the shape of a model without a file. Scenarios and the catalogue use the same
// TOML table for it: { layers, heads, … }.
#pragma once

#include <optional>
#include <string>

#include "config/sections/table_reader.hpp"
#include "scheduler/core/shape.hpp"

namespace headroom::config {

/// The weight types that kernels read as they are stored.
inline constexpr auto kWeightTypeWords = words("f32", "f16", "bf16", "q8_0", "q4_0");

/// Reads the key `weight_type` of a table.
std::optional<WeightType> read_weight_type(TableReader& table);
/// Reads the key `shape` of a table. Returns nothing if it is absent or is not a table. After other
/// problems the returned shape may be invalid.
std::optional<scheduler::ModelShape> read_shape(TableReader& parent);
/// Returns the shape as an inline TOML table.
std::string shape_text(const scheduler::ModelShape& shape);

/// Sets the type of every matrix. Precondition: shape.layers is set.
void set_types(scheduler::ModelShape& shape, WeightType type);

} // namespace headroom::config
