// The contents of a trace as JSON, for `headroom inspect --json`.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "trace/analysis/summary.hpp"
#include "trace/hdf5/reader.hpp"

namespace headroom::cli {

/// Returns the summary of a trace, its attributes, decisions, last placement, events, latencies,
/// times and link use.
[[nodiscard]] nlohmann::json trace_json(
    const trace::TraceFile& file, const trace::Summary& summary
);

} // namespace headroom::cli
