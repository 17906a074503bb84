// Computes how much memory of each device is safe to use, for policies that leave some memory
// unused. It is the smaller of two numbers: the least memory that the device had in the last
// `controller.memory_window` of virtual time, and its present memory minus the part that
// `controller.memory_reserve` reserves.
#pragma once

#include <cstdint>
#include <deque>
#include <vector>

#include "base/units.hpp"
#include "scheduler/core/fleet.hpp"

namespace headroom::runtime {

/// Stores one minimum per device for each sixteenth of the window, so that the stored bytes do not
/// depend on the number of decisions. The minima reach back 15 to 16 sixteenths of the window,
/// because the newest minimum is for a sixteenth that has not ended.
class MemoryWindow {
  public:
    /// length: of the window, in virtual time, at least 0; if 0, no past values are stored.
    /// reserve: the part of a device's present memory that is left unused.
    explicit MemoryWindow(Nanoseconds length, scheduler::Ppb reserve = 0);
    /// Records the memory of all devices in the snapshot. Returns for each device the smaller of
    /// two numbers: its least memory within the window, this snapshot included, and its memory in
    /// this snapshot minus the reserve. If window and reserve are 0, all memory is safe to use, and
    /// the result is empty. The times of the snapshots must not decrease from call to call.
    [[nodiscard]] std::vector<Bytes> safe_memory(const scheduler::Snapshot& now);

  private:
    void record(Nanoseconds at, const std::vector<Bytes>& memory);
    struct Span {
        std::int64_t number = 0;   ///< start of the span divided by its length
        std::vector<Bytes> memory; ///< per device: the least memory recorded in the span
    };
    Nanoseconds span_; ///< length of a span, 1/16 of the window; 0: no window
    scheduler::Ppb reserve_;
    std::deque<Span> spans_;
};

} // namespace headroom::runtime
