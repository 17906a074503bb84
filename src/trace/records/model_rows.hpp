// Converts a model's shape (sizes and weight types) to the rows of /model and /layers, and back.
#pragma once

#include "base/model_shape.hpp"
#include "trace/records/records.hpp"

namespace headroom::trace {

void add_model_rows(const ModelShape& shape, RunHeader& header);

/// Throws InputError if the rows describe no valid model. Precondition: header.model has a row.
[[nodiscard]] ModelShape recorded_shape(const RunHeader& header);

} // namespace headroom::trace
