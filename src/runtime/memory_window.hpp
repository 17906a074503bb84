// What devices had lately, for policies that stay within the least of it; controller.memory_window.
#pragma once

#include <cstdint>
#include <deque>
#include <vector>

#include "base/units.hpp"
#include "scheduler/fleet.hpp"

namespace headroom::runtime {

/// Kept in spans of a sixteenth of the window, so that its size does not depend on how often is
/// decided: what is remembered is between 15 and 16 sixteenths old at most.
class MemoryWindow {
  public:
    /// length: of virtual time, at least 0; 0 remembers nothing.
    explicit MemoryWindow(Nanoseconds length);
    /// Notes what devices have now; the least per device within the window, now included. Empty if
    /// nothing is remembered. Times do not decrease from call to call.
    [[nodiscard]] std::vector<Bytes> least(const scheduler::Snapshot& now);

  private:
    struct Span {
        std::int64_t number = 0;
        std::vector<Bytes> memory; ///< per device, the least
    };
    Nanoseconds span_; ///< 0: nothing is remembered
    std::deque<Span> spans_;
};

} // namespace headroom::runtime
