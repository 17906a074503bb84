// The shape of a model that has no file, as scenarios and the catalogue write it.
#pragma once

#include <optional>
#include <string>

#include "config/sections/table_reader.hpp"
#include "scheduler/core/shape.hpp"

namespace headroom::config {

/// The key `shape` of a table; nothing if it is absent or no table. With problems the shape may be
/// unusable.
std::optional<scheduler::ModelShape> read_shape(TableReader& parent);
/// As a scenario has it.
std::string shape_text(const scheduler::ModelShape& shape);

/// Every matrix is stored in that type.
void set_types(scheduler::ModelShape& shape, WeightType type);

} // namespace headroom::config
