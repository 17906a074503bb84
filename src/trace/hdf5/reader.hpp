// Reading a trace file back: finished, still being written, or left by a kill.
#pragma once

#include <string>

#include "trace/trace.hpp"

namespace headroom::trace {

struct TraceFile {
    Trace trace;                ///< every interval that was committed, and nothing half written
    bool clean = false;         ///< the run came to its end() and closed the file
    bool being_written = false; ///< its program runs still (known on file systems with locks)
    std::string hdf5_version;   ///< that wrote it
    std::string wall_started;   ///< UTC
};

/// Throws InputError, naming the path: no such file, not HDF5, not a trace, of another schema
/// version (both are named), or damaged.
[[nodiscard]] TraceFile open_trace(const std::string& path);

} // namespace headroom::trace
