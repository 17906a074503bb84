// The polling loop of a wait: it yields the core for a short time, then sleeps for growing periods,
// and gives up at its deadline or after an interrupt. It uses Linux system calls to sleep, because
// waits need a precision of microseconds.
#pragma once

#include <chrono>
#include <optional>

#include "comm/transport.hpp"

namespace headroom::comm {

using SteadyTime = std::chrono::steady_clock::time_point;

/// Sleeps until a moment of the steady clock. It may return early if a signal arrives.
void sleep_until(SteadyTime moment);

/// Sets the timer slack of this thread to 1 µs, so that sleeps end on time; the default of Linux is
/// 50 µs. Only the first call of a thread does anything.
void use_fine_timers();

/// Watches for an interrupt during one wait and measures the grace time after the interrupt.
class InterruptWatch {
  public:
    /// Returns the exit code of the interrupt if its grace time is over, and 0 otherwise. Code 3
    /// (mpirun is ending the job) has no grace time.
    [[nodiscard]] int code_after_grace(const Transport::Options& options);

  private:
    std::optional<SteadyTime> since_; ///< when the interrupt was first noticed
};

/// The kind of a wait decides how long it polls before it first sleeps, and how long it sleeps.
enum class WaitKind {
    message,  ///< another device must act first
    transfer, ///< bytes are being transferred, and each poll advances them
};

/// The state of one wait that polls. The caller alternates between polling and calling pause().
class PollingWait {
  public:
    /// The options must outlive this object and must not change.
    explicit PollingWait(const Transport::Options& options, WaitKind kind = WaitKind::message);

    /// Returns whether the deadline had passed at the last pause().
    [[nodiscard]] bool has_timed_out() const { return waited() >= options_.deadline; }

    /// Returns the time from the start, or from restart(), to the last pause(). Time in which this
    /// process was stopped does not count.
    [[nodiscard]] std::chrono::nanoseconds waited() const { return now_ - start_; }
    void restart() { start_ = now_; }

    [[nodiscard]] int interrupt_code() { return watch_.code_after_grace(options_); }

    /// Yields the core at first, and sleeps when the wait has lasted longer.
    void pause();

  private:
    const Transport::Options& options_;
    SteadyTime start_;
    SteadyTime now_;
    SteadyTime yield_until_;
    InterruptWatch watch_;
    std::chrono::nanoseconds sleep_time_;
    std::chrono::nanoseconds max_sleep_time_;
};

} // namespace headroom::comm
