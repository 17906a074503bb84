// Computes how much memory of each device some policies use: the least that the device had in the
// last `controller.memory_window` of virtual time, or less as `controller.memory_reserve` demands.
#pragma once

#include <cstdint>
#include <deque>
#include <vector>

#include "base/units.hpp"
#include "scheduler/core/fleet.hpp"

namespace headroom::runtime {

/// Stores one minimum per device for each sixteenth of the window, so that the stored bytes do not
/// depend on the number of decisions. The oldest minimum is 15 to 16 sixteenths of the window old.
class MemoryWindow {
  public:
    /// length: the window in virtual time, at least 0; with 0 no past values are stored.
    /// reserve: the part of a device's present memory that is left unused.
    explicit MemoryWindow(Nanoseconds length, scheduler::Ppb reserve = 0);
    /// Records the memory that the snapshot contains. Returns for each device the smaller of two
    /// numbers: its least memory within the window, the snapshot included, and its memory in the
    /// snapshot minus the reserve. Returns an empty vector if window and reserve are 0. The times
    /// of the snapshots must not decrease from call to call.
    [[nodiscard]] std::vector<Bytes> safe_memory(const scheduler::Snapshot& now);

  private:
    void record(Nanoseconds at, const std::vector<Bytes>& memory);
    struct Span {
        std::int64_t number = 0;   ///< start of the span divided by its length
        std::vector<Bytes> memory; ///< per device: the least memory recorded in the span
    };
    Nanoseconds span_; ///< length of a span; 0: there is no window
    scheduler::Ppb reserve_;
    std::deque<Span> spans_;
};

} // namespace headroom::runtime
