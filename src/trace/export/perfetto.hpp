// Exports a trace for the viewer ui.perfetto.dev, which shows what happened on parallel tracks.
#pragma once

#include <cstdint>
#include <iosfwd>

#include "trace/records/trace.hpp"

namespace headroom::trace {

struct PerfettoCounts {
    std::int64_t tracks = 0;
    std::int64_t events = 0;
};

/// Writes the trace as trace-event JSON in UTF-8. The viewer shows a process as a group of tracks.
/// Process `decisions` has the decisions and the intervals between them, `sequences` the requests
/// and turns of each slot, `links` the messages and migrations of each link, and `devices` the
/// operations, waits, arriving blocks and events of each device. Processes `memory`, `compute` and
/// `bytes per interval` have counters. A slice (bar) that would overlap another one is drawn on a
/// further track, which has the same name with a number. Operations, waits and messages are there
/// only if the trace has operations (with_ops). See docs/reference/trace.md#for-other-programs
PerfettoCounts write_perfetto(const Trace& trace, std::ostream& out);

} // namespace headroom::trace
