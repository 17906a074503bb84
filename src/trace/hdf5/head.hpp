// What one looks at first in a trace file, without reading its tables.
#pragma once

#include <string>

#include "trace/records/records.hpp"

namespace headroom::trace {

struct TraceHead {
    std::string scenario;  ///< resolved text
    std::string execution; ///< "decoded", "simulated", …; empty: not told
    bool with_ops = false;
    Completion completion = Completion::running;
};

/// Throws InputError, naming the path: no such file, not HDF5, not a trace, or one that was killed
/// and cannot be opened plainly.
[[nodiscard]] TraceHead read_trace_head(const std::string& path);

} // namespace headroom::trace
