// Reading a trace file back: finished, still being written, or left by a kill.
#pragma once

#include <cstdint>
#include <string>

#include "trace/trace.hpp"

namespace headroom::trace {

struct TraceFile {
    Trace trace;                ///< every interval that was committed, and nothing half written
    bool clean = false;         ///< the run came to its end() and closed the file
    bool being_written = false; ///< its program runs still (known on file systems with locks)
    std::int64_t schema_version = 0;
    std::string hdf5_version;   ///< that wrote it
    std::string wall_started;   ///< UTC
};

/// Throws InputError, naming the path: no such file, not HDF5, not a trace, of a schema
/// version that is not read (it and those that are, are named), or damaged.
[[nodiscard]] TraceFile open_trace(const std::string& path);

} // namespace headroom::trace
