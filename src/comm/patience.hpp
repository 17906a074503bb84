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

/// What a wait is for decides how long it polls before it sleeps, and how deeply.
enum class Pace {
    message,  ///< somebody else has to do something first
    transfer, ///< bytes are moving, and every poll moves some of them
};

/// One wait that polls.
class Patience {
  public:
    /// The options must stay as they are while it waits.
    explicit Patience(const Transport::Options& options, Pace pace = Pace::message);

    /// Has the deadline passed, as of the last pause?
    [[nodiscard]] bool exhausted() const { return waited() >= options_.deadline; }

    /// Until the last pause; not counting the time in which this process was stopped, or before
    /// restart().
    [[nodiscard]] std::chrono::nanoseconds waited() const { return now_ - start_; }
    void restart() { start_ = now_; }

    /// As InterruptWatch::overdue.
    [[nodiscard]] int interrupt() { return watch_.overdue(options_); }

    /// Gives the core away: a yield at first, later a sleep.
    void pause();

  private:
    const Transport::Options& options_;
    SteadyTime start_;
    SteadyTime now_;
    SteadyTime yield_until_;
    InterruptWatch watch_;
    std::chrono::nanoseconds slice_;
    std::chrono::nanoseconds longest_slice_;
};

} // namespace headroom::comm
