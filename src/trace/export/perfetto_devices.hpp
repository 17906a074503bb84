// Writes the processes `devices` and `links` of the trace-event JSON: operations, waits, messages
// and migrations.
#pragma once

#include "trace/export/trace_events.hpp"
#include "trace/records/trace.hpp"

namespace headroom::trace {

/// Adds both processes, and an arrow for each message. The arrow begins at the sender's last
/// operation of the turn before the message. It ends at the receiver's first operation of the turn
/// after the message.
void add_devices_and_links(const Trace& trace, TraceEvents& events);

} // namespace headroom::trace
