// Writes the processes (groups of tracks) `devices` and `links` of the trace-event JSON:
// operations, waits, messages and migrations.
#pragma once

#include <string>
#include <vector>

#include "trace/export/trace_events.hpp"
#include "trace/records/trace.hpp"

namespace headroom::trace {

/// Adds a track with an instant (a mark) for each row of /events in `rows`, if there are any.
void add_event_rows(
    const RunHeader& header,
    const std::vector<const EventRow*>& rows,
    TraceEvents& events,
    std::int64_t process,
    const std::string& track_name
);

/// Adds the processes `devices` and `links`, and an arrow for each message. The arrow leads from
/// the sender's last operation before the message to the receiver's first operation after the
/// message. Only operations of the message's batch count.
void add_devices_and_links(const Trace& trace, TraceEvents& events);

} // namespace headroom::trace
