// Makes sinks (receivers of a run's rows) that write a trace file (docs/reference/trace.md).
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "trace/records/trace.hpp"

namespace headroom::trace {

/// Throws the errors that make_hdf5_sink() would throw for this path. Changes nothing.
void check_trace_path(const std::string& path, bool overwrite);

using WarningHandler = std::function<void(const std::string&)>;

/// Returns a sink for a new file at `path`. Checks the path now and creates the file in begin().
/// Other programs can read an interval (a decision with its tokens) as soon as it is committed,
/// also after a kill of this process. The file is PATH.part until its header is complete or, if it
/// replaces an existing file, until the first commit. A sink that is destroyed without end() leaves
/// a closed file whose /complete says `running`. begin() calls `warn` if the file system has no
/// locks. A commit takes about 0.1 ms with ten tables. Throws InputError if the file exists and
/// `overwrite` is false, if a running program writes the file, if `path` is a directory or a pipe,
/// or if its directory does not exist. This function and begin(), commit() and end() throw
/// EnvironmentError if the file cannot be written, was deleted or was moved. After such an error in
/// begin() or commit(), end() throws nothing.
[[nodiscard]] std::unique_ptr<Sink> make_hdf5_sink(
    const std::string& path, bool overwrite, WarningHandler warn = {}
);

/// Returns a sink for a resumed run whose earlier intervals are in `before`. begin() writes the
/// header and intervals of `before` to PATH.part. The first commit(), or end() of a finished run,
/// renames PATH.part to `path`, so that an existing file there never loses an interval. Throws the
/// errors of make_hdf5_sink() with `overwrite` true.
[[nodiscard]] std::unique_ptr<Sink> make_resumed_sink(
    const std::string& path, Trace before, WarningHandler warn = {}
);

} // namespace headroom::trace
