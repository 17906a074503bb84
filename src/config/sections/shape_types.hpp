// Reads and writes how the matrices of a shape are stored: one type or mixture for all of them
// (weight_mixture.hpp), and the table `types` with those of single matrices.
#pragma once

#include <string>

#include "base/model_shape.hpp"
#include "config/scenario/weight_mixture.hpp"
#include "config/sections/table_reader.hpp"

namespace headroom::config {

/// Reads the key `weight_type` of a table. Returns a null pointer if it is absent or wrong.
const WeightChoice* read_weight_choice(TableReader& table);

/// Reads the keys `weight_type`, `fused_qkv` and `types` of a shape and sets the types of its
/// matrices. Returns what `weight_type` is, or its default. Precondition: the sizes of the shape
/// have been read; they may be wrong.
const WeightChoice& read_shape_types(TableReader& table, ModelShape& shape);

/// Returns these keys as TOML, each followed by ", ".
[[nodiscard]] std::string shape_types_text(const ModelShape& shape);

} // namespace headroom::config
