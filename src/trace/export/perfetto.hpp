// Exports a trace for the viewer ui.perfetto.dev, which draws what happened on parallel tracks.
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
/// Process `decisions` has the decisions and the intervals between them. `sequences` has the
/// requests and turns (passes through the model) of each slot, the place of one sequence in flight.
/// `links` has the messages and migrations of each link, `devices` the operations, waits, arriving
/// blocks and events of each device. `memory`, `compute` and `bytes per interval` have counters. If
/// two slices (bars) would overlap, the later one is drawn on a further track: "NAME (2)".
/// Operations, waits and messages need a run with --trace-ops. See
/// docs/reference/trace.md#for-other-programs
PerfettoCounts write_perfetto(const Trace& trace, std::ostream& out);

} // namespace headroom::trace
