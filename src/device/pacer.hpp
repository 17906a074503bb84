// Holds the wall clock back to the virtual one: real throttling for the `paced` clock.
// How to sleep is handed in, because transfers must go on meanwhile and only the transport knows
// how.
#pragma once

#include <chrono>
#include <functional>

#include "base/units.hpp"

namespace headroom::device {

class Pacer {
  public:
    using TimePoint = std::chrono::steady_clock::time_point;
    using Sleep = std::function<void(TimePoint)>;

    Pacer() = default; ///< virtual clock: never waits
    /// scale: wall seconds per virtual second, > 0.
    Pacer(double scale, Sleep sleep) : scale_(scale), sleep_(std::move(sleep)) {}

    /// This virtual time is now.
    void start(Nanoseconds time = 0);

    /// Returns when the wall clock has reached `time`; notes how late the host is if it has passed.
    void hold(Nanoseconds time);

    [[nodiscard]] bool paced() const { return sleep_ != nullptr; }
    /// The most that the wall clock was ever behind schedule (wall nanoseconds).
    [[nodiscard]] Nanoseconds lateness_max() const { return lateness_max_; }
    /// Wall time since start().
    [[nodiscard]] Nanoseconds elapsed() const {
        return std::chrono::nanoseconds(std::chrono::steady_clock::now() - started_).count();
    }

  private:
    double scale_ = 1.0;
    Sleep sleep_;
    [[nodiscard]] std::chrono::nanoseconds wall(Nanoseconds time) const;

    TimePoint origin_{}; ///< of virtual time 0
    TimePoint started_{};
    Nanoseconds lateness_max_ = 0;
};

} // namespace headroom::device
