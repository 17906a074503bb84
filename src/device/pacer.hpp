// Slows a run down so that virtual time (the clock of the emulated devices) does not overtake the
// wall clock: clock mode `paced`. The caller passes the function that sleeps, so that this function
// can let transfers go on during the sleep.
#pragma once

#include <chrono>
#include <functional>

#include "base/units.hpp"

namespace headroom::device {

class Pacer {
  public:
    using TimePoint = std::chrono::steady_clock::time_point;
    using Sleep = std::function<void(TimePoint)>;

    Pacer() = default; ///< for clock mode `virtual`: wait_until() returns at once
    /// `scale` is the number of wall seconds per virtual second. Precondition: scale > 0.
    Pacer(double scale, Sleep sleep) : scale_(scale), sleep_(std::move(sleep)) {}

    /// Makes the current wall time correspond to the virtual time `time`.
    void start(Nanoseconds time = 0);

    /// Waits until the wall time that corresponds to the virtual time `time`. If that wall time has
    /// passed already, records by how much (the lateness): this computer is too slow.
    void wait_until(Nanoseconds time);

    [[nodiscard]] bool is_paced() const { return sleep_ != nullptr; }
    /// Returns the largest lateness that wait_until() has recorded, in wall nanoseconds.
    [[nodiscard]] Nanoseconds lateness_max() const { return lateness_max_; }
    /// Returns the wall nanoseconds since start().
    [[nodiscard]] Nanoseconds elapsed() const {
        return std::chrono::nanoseconds(std::chrono::steady_clock::now() - started_).count();
    }

  private:
    double scale_ = 1.0;
    Sleep sleep_;
    [[nodiscard]] std::chrono::nanoseconds wall(Nanoseconds time) const;

    TimePoint origin_{}; ///< the wall time of virtual time 0
    TimePoint started_{};
    Nanoseconds lateness_max_ = 0;
};

} // namespace headroom::device
