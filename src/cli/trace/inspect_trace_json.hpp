// The contents of a trace as JSON, for `headroom inspect --json`.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "trace/analysis/summary.hpp"
#include "trace/hdf5/reader.hpp"

namespace headroom::cli {

[[nodiscard]] nlohmann::json trace_json(
    const trace::TraceFile& file, const trace::Summary& summary
);

} // namespace headroom::cli
