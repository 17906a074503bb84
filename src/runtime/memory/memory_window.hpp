// What memory is safe to use, for policies that care: controller.memory_window and memory_reserve.
#pragma once

#include <cstdint>
#include <deque>
#include <vector>

#include "base/units.hpp"
#include "scheduler/core/fleet.hpp"

namespace headroom::runtime {

/// Kept in spans of a sixteenth of the window, so that its size does not depend on how often is
/// decided: what is remembered is between 15 and 16 sixteenths old at most.
class MemoryWindow {
  public:
    /// length: of virtual time, at least 0; 0 remembers nothing. reserve: of what a device has now.
    explicit MemoryWindow(Nanoseconds length, scheduler::Ppb reserve = 0);
    /// Notes what devices have now; per device the least within the window, now included, and at
    /// most what the reserve leaves of now. Empty if there is neither window nor reserve. Times do
    /// not decrease from call to call.
    [[nodiscard]] std::vector<Bytes> safe(const scheduler::Snapshot& now);

  private:
    void remember(Nanoseconds at, const std::vector<Bytes>& memory);
    struct Span {
        std::int64_t number = 0;
        std::vector<Bytes> memory; ///< per device, the least
    };
    Nanoseconds span_; ///< 0: nothing is remembered
    scheduler::Ppb reserve_;
    std::deque<Span> spans_;
};

} // namespace headroom::runtime
