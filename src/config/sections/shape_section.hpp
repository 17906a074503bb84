// Reads and writes the shape of a model without a file. Scenarios and the catalogue use the same
// TOML table for it: { layers, heads, … }.
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

/// Reads the key `weight_type` of a table.
std::optional<WeightType> read_weight_type(TableReader& table);
/// Reads the key `shape` of a table. Returns nothing if it is absent or is not a table. After other
/// problems the returned shape may be invalid.
std::optional<ModelShape> read_shape(TableReader& parent);
/// Returns the shape as an inline TOML table.
std::string shape_text(const ModelShape& shape);

/// Sets the type of every matrix. Precondition: shape.layers is set.
void set_types(ModelShape& shape, WeightType type);

} // namespace headroom::config
