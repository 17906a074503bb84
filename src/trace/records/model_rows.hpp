// Conversions between the shape of a model and the rows of /model and /layers.
#pragma once

#include "base/model_shape.hpp"
#include "trace/records/records.hpp"

namespace headroom::trace {

void add_model_rows(const ModelShape& shape, RunHeader& header);

/// Throws InputError if the rows do not describe a model. Precondition: /model has a row.
[[nodiscard]] ModelShape recorded_shape(const RunHeader& header);

} // namespace headroom::trace
