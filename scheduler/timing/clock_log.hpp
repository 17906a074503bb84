// What the clock of each device was spent on during a turn (forward pass), nanosecond by
// nanosecond. Timeline::turn records it on demand, for the break-down of a step that `headroom
// plan` shows. See docs/explanation/time.md#where-the-time-of-a-step-goes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/ids.hpp"
#include "base/units.hpp"

namespace headroom::scheduler {

enum class Activity : std::uint8_t {
    compute,  ///< a piece of an operation whose arithmetic takes as long as its memory or longer
    memory,   ///< a piece of an operation whose memory takes longer
    overhead, ///< of an operation or of a message
    wait,     ///< for a message
};

/// A time during which a device does the same thing.
struct ClockSpan {
    Activity activity = Activity::compute;
    Nanoseconds begin = 0;
    Nanoseconds end = 0;     ///< later than `begin`
    DeviceId from{};         ///< wait: the sender
    std::size_t message = 0; ///< wait: index into the sender's ClockLog::sends
};

struct SentMessage {
    DeviceId to;
    Nanoseconds ready = 0;   ///< the sender's clock after its message overhead
    Nanoseconds begin = 0;   ///< when sending begins; later than `ready` if link or egress are busy
    Nanoseconds end = 0;     ///< when the link is free again
    Nanoseconds latency = 0; ///< of this message, with what is drawn for it
};

/// One device during a turn.
struct ClockLog {
    /// In the order of time, without gaps: each span begins where the one before ends, the first at
    /// the time that the clock had when the turn began.
    std::vector<ClockSpan> spans;
    std::vector<SentMessage> sends; ///< in the order of the program
};

} // namespace headroom::scheduler
