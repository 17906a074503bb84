// Reads and writes the shape of a model, its dimensions without weights. Scenarios and the
// catalogue have the same TOML table for shapes: { layers, heads, … }.
#pragma once

#include <array>
#include <optional>
#include <string>

#include "base/model_shape.hpp"
#include "config/sections/table_reader.hpp"

namespace headroom::config {

/// The names of the weight types, in the order of kWeightFormats.
inline constexpr auto kWeightTypeWords = [] {
    std::array<std::string_view, kWeightFormats.size()> names{};
    for (std::size_t i = 0; i < names.size(); ++i) {
        names[i] = kWeightFormats[i].name;
    }
    return names;
}();

std::optional<WeightType> read_weight_type(TableReader& table);
/// Reads the key `shape` of a table. Returns nothing if the key is absent or its value is no table.
/// If the table has other problems, the returned shape may be invalid.
std::optional<ModelShape> read_shape(TableReader& parent);
std::string shape_text(const ModelShape& shape);

/// Sets the type of every matrix. Precondition: shape.layers is set.
void set_types(ModelShape& shape, WeightType type);

} // namespace headroom::config
