// Reads and writes the shape of a model without a file. Scenarios and the catalogue use the same
// TOML table for it: { layers, heads, … }.
#pragma once

#include <optional>
#include <string>

#include "config/sections/table_reader.hpp"
#include "scheduler/core/shape.hpp"

namespace headroom::config {

/// Reads the key `shape` of a table. Returns nothing if it is absent or is not a table. After other
/// problems the returned shape may be invalid.
std::optional<scheduler::ModelShape> read_shape(TableReader& parent);
/// Returns the shape as an inline TOML table.
std::string shape_text(const scheduler::ModelShape& shape);

/// Sets the type of every matrix. Precondition: shape.layers is set.
void set_types(scheduler::ModelShape& shape, WeightType type);

} // namespace headroom::config
