// Reads the trace file of a run that has ended, is still running or was killed.
#pragma once

#include <cstdint>
#include <string>

#include "trace/records/trace.hpp"

namespace headroom::trace {

struct TraceFile {
    Trace trace;                   ///< with all committed intervals (decisions with their tokens)
    bool ended_cleanly = false;    ///< whether Sink::end() has closed the file
    bool is_being_written = false; ///< whether a running program writes the file
    /// A process that may still write the file, such as "process 7 on host pi"; else empty. Set
    /// only on file systems without locks (library/writer_file.hpp).
    std::string possible_writer;
    std::int64_t schema_version = 0;
    std::string hdf5_version; ///< version of the library that wrote the file
    std::string wall_started; ///< date and time of the run's start, UTC
};

/// Reads the whole file. Throws InputError, which names the path, if the file does not exist, is
/// not HDF5 or not a trace, has an unsupported schema version, or is damaged. Throws
/// EnvironmentError if the computer lacks file descriptors or memory.
[[nodiscard]] TraceFile open_trace(const std::string& path);

/// Returns the warning to print before a file is changed although the process `writer`
/// (TraceFile::possible_writer) may still run.
[[nodiscard]] std::string assumed_dead_warning(const std::string& path, const std::string& writer);

} // namespace headroom::trace
