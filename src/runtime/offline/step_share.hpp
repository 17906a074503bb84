// Computes where the time of one decode step goes: what each device does, and the critical path,
// the chain of operations and messages that determines how long the step takes. See
// docs/explanation/time.md#where-the-time-of-a-step-goes.
#pragma once

#include <span>
#include <vector>

#include "base/ids.hpp"
#include "base/units.hpp"
#include "scheduler/timing/clock_log.hpp"

namespace headroom::runtime {

/// Parts of a time, in nanoseconds. Those of a device add up to the length of the step.
struct TimeParts {
    Nanoseconds compute = 0;  ///< pieces of operations that the arithmetic limits
    Nanoseconds memory = 0;   ///< pieces of operations that the memory bandwidth limits
    Nanoseconds overhead = 0; ///< of operations and messages
    /// Waiting while bytes of the message are on the link or held up by a cap or a medium.
    Nanoseconds transfer = 0;
    Nanoseconds latency = 0; ///< waiting during the latency of a message that has been sent
    Nanoseconds wait = 0;    ///< waiting for a message that has not been sent yet
    Nanoseconds idle = 0;    ///< after all that the device does in the step
    /// Returns what the device itself is busy with.
    [[nodiscard]] Nanoseconds busy() const { return compute + memory + overhead; }
    [[nodiscard]] Nanoseconds total() const { return busy() + transfer + latency + wait + idle; }
};

/// A part of the critical path: what one device does, or the messages on one link.
struct CriticalPart {
    DeviceId from;
    DeviceId to; ///< equal to `from` for a device
    /// A device has only compute, memory and overhead; a link has only transfer and latency. Time
    /// for which a message waits until its link or its sender's egress is free is transfer of the
    /// message that occupies it.
    TimeParts parts;
    [[nodiscard]] bool on_device() const { return from == to; }
    [[nodiscard]] Nanoseconds time() const { return parts.total(); }
};

struct StepShare {
    std::vector<TimeParts> devices; ///< one per device
    /// One part per device and per link on the path, longest first. Their times add up to the
    /// length of the step.
    std::vector<CriticalPart> critical;
};

/// Returns the shares of a decode step. clocks: the clock logs of all devices; the step began at
/// time 0, when all devices and links were idle. length: the time at which the step ended on the
/// source; not kNever.
[[nodiscard]] StepShare step_share(
    std::span<const scheduler::ClockLog> clocks, DeviceId source, Nanoseconds length
);

} // namespace headroom::runtime
