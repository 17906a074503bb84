// Reads and writes the shape of a model, its dimensions without weights. Scenarios and the
// catalogue have the same TOML table for shapes: { layers, heads, … }.
#pragma once

#include <optional>
#include <string>

#include "base/model_shape.hpp"
#include "config/sections/table_reader.hpp"

namespace headroom::config {

template <>
inline constexpr auto kWords<QkNorm> = kQkNormNames;
template <>
inline constexpr auto kWords<NormPlace> = kNormPlaceNames;

/// Reads the key `shape` of a table. Returns nothing if the key is absent or its value is no table.
/// If the table has other problems, the returned shape may be invalid.
std::optional<ModelShape> read_shape(TableReader& parent);
std::string shape_text(const ModelShape& shape);

} // namespace headroom::config
