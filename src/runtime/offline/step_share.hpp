// Computes where the time of one decode step goes: what each device does, and the critical path,
// the chain of operations and messages that determines how long the step takes.
#pragma once

#include <vector>

#include "base/ids.hpp"
#include "base/units.hpp"
#include "scheduler/timing/timeline.hpp"

namespace headroom::runtime {

/// How one device spends a decode step. The four times add up to the length of the step.
struct DeviceTime {
    Nanoseconds compute = 0;
    Nanoseconds transfer = 0; ///< waiting for a message that has been sent
    Nanoseconds wait = 0;     ///< waiting for a message that has not been sent yet
    Nanoseconds idle = 0;     ///< after its last operation
};

/// A part of the critical path: operations on one device, or messages on one link.
struct CriticalPart {
    DeviceId from;
    DeviceId to; ///< equal to `from` for operations
    Nanoseconds time = 0;
    [[nodiscard]] bool computing() const { return from == to; }
};

struct StepShare {
    std::vector<DeviceTime> devices; ///< one per device
    /// One part per device and per link on the path, longest first. Their times add up to the
    /// length of the step.
    std::vector<CriticalPart> critical;
};

/// Returns the shares of a decode step. log: the step's operations and messages; the step began at
/// time 0, when all devices and links were idle. length: the time at which the step ended on the
/// source; not kNever.
[[nodiscard]] StepShare step_share(
    const scheduler::TimelineLog& log, std::size_t devices, DeviceId source, Nanoseconds length
);

} // namespace headroom::runtime
