// Reading a trace file back: finished, still being written, or left by a kill.
#pragma once

#include <cstdint>
#include <string>

#include "trace/records/trace.hpp"

namespace headroom::trace {

struct TraceFile {
    Trace trace;                ///< every interval that was committed, and nothing half written
    bool clean = false;         ///< the run came to its end() and closed the file
    bool being_written = false; ///< its program runs still
    /// Who may write it still, where no lock and no sign of life can tell; empty: nobody.
    std::string perhaps_written_by;
    std::int64_t schema_version = 0;
    std::string hdf5_version; ///< that wrote it
    std::string wall_started; ///< UTC
};

/// Throws InputError, naming the path: no such file, not HDF5, not a trace, of a schema
/// version that is not read (it and those that are, are named), or damaged.
[[nodiscard]] TraceFile open_trace(const std::string& path);

/// What to tell when one goes on although `writer` (perhaps_written_by) may live.
[[nodiscard]] std::string taken_for_dead(const std::string& path, const std::string& writer);

} // namespace headroom::trace
