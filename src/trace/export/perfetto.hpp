// A trace for ui.perfetto.dev: who did what, when, on tracks side by side.
#pragma once

#include <cstdint>
#include <iosfwd>

#include "trace/records/trace.hpp"

namespace headroom::trace {

struct PerfettoCounts {
    std::int64_t tracks = 0;
    std::int64_t events = 0;
};

/// Writes trace-event JSON, in UTF-8. Processes and their tracks
/// (docs/reference/trace.md#for-other-programs): `decisions` what was decided, and the intervals;
/// `sequences` per slot its requests and turns; `devices` per device its operations, what it waited
/// for, what moved to it, what befell it; `links` per link its messages and migrations; `memory`,
/// `compute`, `bytes per interval` as counters. Slices of a track never overlap: where two would,
/// the later goes to a track of the same name with a number. Operations, waits and messages need a
/// trace with_ops.
PerfettoCounts write_perfetto(const Trace& trace, std::ostream& out);

} // namespace headroom::trace
