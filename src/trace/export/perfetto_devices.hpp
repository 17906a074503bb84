// The devices' and links' part of the trace-event JSON: operations, waits, messages, migrations.
#pragma once

#include "trace/export/trace_events.hpp"
#include "trace/records/trace.hpp"

namespace headroom::trace {

/// Processes `devices` and `links`, and arrows along messages: from the last operation of the turn
/// that the sender had done, over the message, to the first that the receiver began afterwards.
void add_devices_and_links(const Trace& trace, TraceEvents& events);

} // namespace headroom::trace
