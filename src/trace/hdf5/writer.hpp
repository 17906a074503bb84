// The sink that writes a trace file. docs/reference/trace.md describes the format.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "trace/records/trace.hpp"

namespace headroom::trace {

/// Throws as make_hdf5_sink() does, and changes nothing: for whoever asks early.
void check_trace_path(const std::string& path, bool overwrite);

/// Takes a warning that does not end a run.
using Tell = std::function<void(const std::string&)>;

/// A sink for a new file at `path`. Checks the place at once and creates the file in begin().
/// Everything committed can be read by others at once, and after a kill of this process.
/// A sink that is dropped without end() leaves an ordinary file whose /complete says `running`.
/// Throws InputError: the file exists and `overwrite` is false (the message names --force), is
/// being written by a running program, is a directory, or its directory does not exist.
/// Throws EnvironmentError, here or in begin, commit and end: no right to write, a full disk, a
/// file that was deleted or, at the end, is not where it should be. After a failed commit, end()
/// saves what it can and throws nothing. A new file is written as PATH.part until it can be read,
/// and has its name from then on. A file that is overwritten is not touched before the first
/// commit. Where files cannot be locked, `tell` hears so in begin(). Cost: about 0.1 ms per commit
/// with ten tables.
[[nodiscard]] std::unique_ptr<Sink> make_hdf5_sink(
    const std::string& path, bool overwrite, Tell tell = {}
);

/// A sink for the rest of a run of which `before` is the beginning. Its begin() writes a whole new
/// file, with the header and intervals of `before`, beside `path`, and puts it in the place of what
/// may be there in one step: at no moment is there less than there was. commit() goes on from
/// there. Throws as make_hdf5_sink(), but a file at `path` is replaced unless a program writes to
/// it.
[[nodiscard]] std::unique_ptr<Sink> make_continuing_sink(
    const std::string& path, Trace before, Tell tell = {}
);

} // namespace headroom::trace
