// How a wait passes its time: it polls politely for a moment, then sleeps in growing slices, and
// knows when to give up. Linux sleeps, because emulated time needs tens of microseconds.
#pragma once

#include <chrono>
#include <optional>

#include "comm/transport.hpp"

namespace headroom::comm {

using SteadyTime = std::chrono::steady_clock::time_point;

/// Sleeps until a moment of the steady clock; may return early if a signal arrives.
void sleep_until(SteadyTime moment);

/// Lets timed waits of this thread end within about a microsecond of their moment instead of the
/// kernel's default slack of 50. Cheap; the first call per thread does it.
void use_fine_timers();

/// Notices an interrupt during one wait and when its grace time is over.
class InterruptWatch {
  public:
    /// The exit code that was asked for, once the interrupt has lasted for the grace time; else 0.
    [[nodiscard]] int overdue(const Transport::Options& options);

  private:
    std::optional<SteadyTime> since_;
};

/// One wait that polls.
class Patience {
  public:
    /// The options must stay as they are while it waits.
    explicit Patience(const Transport::Options& options);

    /// Has the deadline passed? Only asked of the clock once sleeping has begun.
    [[nodiscard]] bool exhausted() const;

    /// As InterruptWatch::overdue.
    [[nodiscard]] int interrupt() { return watch_.overdue(options_); }

    /// Gives the core away: a yield at first, later a sleep.
    void pause();

  private:
    const Transport::Options& options_;
    SteadyTime start_;
    InterruptWatch watch_;
    int yields_left_;
    std::chrono::nanoseconds slice_;
};

} // namespace headroom::comm
