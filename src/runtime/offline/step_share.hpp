// Where the time of one decode step goes: what each device does meanwhile, and the chain of
// operations and messages that the step is as long as.
#pragma once

#include <vector>

#include "base/ids.hpp"
#include "base/units.hpp"
#include "scheduler/timing/timeline.hpp"

namespace headroom::runtime {

/// One device over a step; the four add up to the step's length.
struct DeviceTime {
    Nanoseconds compute = 0;
    Nanoseconds transfer = 0; ///< waiting for a message that is on its way
    Nanoseconds wait = 0;     ///< waiting for a message that is not sent yet
    Nanoseconds idle = 0;     ///< nothing left to do
};

/// A part of the critical path: what a device computes on it, or what is on the way from it.
struct CriticalPart {
    DeviceId from;
    DeviceId to; ///< the same as `from`: computing
    Nanoseconds time = 0;
    [[nodiscard]] bool computing() const { return from == to; }
};

struct StepShare {
    std::vector<DeviceTime> devices; ///< one per device
    /// Summed up per device and link, the longest first; together the step's length.
    std::vector<CriticalPart> critical;
};

/// log: of one turn that began at 0 everywhere with all links free; length: when it ended at the
/// source, not kNever.
[[nodiscard]] StepShare step_share(
    const scheduler::TimelineLog& log, std::size_t devices, DeviceId source, Nanoseconds length
);

} // namespace headroom::runtime
