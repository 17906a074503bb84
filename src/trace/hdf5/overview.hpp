// Reads the few facts of a trace file that tell a sweep (a set of runs) whether the run is done,
// without reading the tables of intervals.
#pragma once

#include <string>

#include "trace/records/records.hpp"

namespace headroom::trace {

struct TraceOverview {
    std::string scenario;  ///< the scenario as complete TOML
    std::string execution; ///< "decoded" (with weights) or "simulated"; empty: not known
    /// Version of the policy if that came from a file; else empty.
    std::string own_policy_version;
    std::string own_policy_file; ///< likewise the file and its argument, as they were given
    bool with_ops = false;       ///< whether the trace has operations and messages
    Completion completion = Completion::running;
};

/// Throws InputError, which names the path, if the file does not exist, is not HDF5 or not a trace,
/// or is not closed, because its run still writes it or was killed. Throws EnvironmentError if the
/// computer lacks file descriptors or memory.
[[nodiscard]] TraceOverview read_trace_overview(const std::string& path);

} // namespace headroom::trace
