// Reads a trace file: a finished one, one that is being written, or one that a kill left.
#pragma once

#include <cstdint>
#include <string>

#include "trace/records/trace.hpp"

namespace headroom::trace {

struct TraceFile {
    Trace trace;                   ///< all committed intervals (decisions with their tokens)
    bool ended_cleanly = false;    ///< the run called end() and closed the file
    bool is_being_written = false; ///< the writing program is running
    /// The process in the writer file (writer_file.hpp) if nothing shows whether this process still
    /// runs; else empty.
    std::string possible_writer;
    std::int64_t schema_version = 0;
    std::string hdf5_version; ///< version of the library that wrote the file
    std::string wall_started; ///< date and time of the run's start, UTC
};

/// Reads the whole file. Throws InputError, which names the path, if the file does not exist, is
/// not HDF5 or not a trace, has an unsupported schema version, or is damaged. Throws
/// EnvironmentError if the computer lacks file descriptors or memory.
[[nodiscard]] TraceFile open_trace(const std::string& path);

/// Returns the warning to print before a file is changed although `writer` (possible_writer) may
/// still be running.
[[nodiscard]] std::string assumed_dead_warning(const std::string& path, const std::string& writer);

} // namespace headroom::trace
