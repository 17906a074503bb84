// The pauses between the polls of a wait: they yield the core at first, and later they sleep for
// growing periods. The class PollingWait also tells when a wait must end: at its deadline, or after
// an interrupt. Sleeps call Linux directly, not the C++ library, because they must be precise to
// microseconds.
#pragma once

#include <chrono>
#include <optional>

#include "comm/transport.hpp"

namespace headroom::comm {

using SteadyTime = std::chrono::steady_clock::time_point;

/// Sleeps until a moment of the steady clock. Returns early if a signal arrives.
void sleep_until(SteadyTime moment);

/// Sets the timer slack of this thread (by how much Linux may delay the end of a sleep) to 1 µs;
/// the default is 50 µs. Only the first call of a thread has an effect.
void use_fine_timers();

/// Notices an interrupt (such as SIGINT) during one wait, and then measures the grace time.
class InterruptWatch {
  public:
    /// Returns the exit code of the interrupt if the grace time is over, and 0 otherwise. Code 3
    /// (mpirun is ending the job) is returned at once.
    [[nodiscard]] int code_after_grace(const Transport::Options& options);

  private:
    std::optional<SteadyTime> since_; ///< when the interrupt was first noticed
};

/// A wait for a transfer polls for longer before it first sleeps, and its sleeps are shorter,
/// because its polls are what advances the transfer.
enum class WaitKind {
    message,  ///< another device must act first
    transfer, ///< bytes are being transferred, and each poll advances the transfer
};

/// The state of one wait. The caller polls and calls pause() in turn.
class PollingWait {
  public:
    /// The options must outlive this object and must not change.
    explicit PollingWait(const Transport::Options& options, WaitKind kind = WaitKind::message);

    /// Returns whether waited() has reached Options::deadline.
    [[nodiscard]] bool has_timed_out() const { return waited() >= options_.deadline; }

    /// Returns the time from the constructor, or from the last restart(), to the last pause(). Time
    /// in which this process was stopped does not count.
    [[nodiscard]] std::chrono::nanoseconds waited() const { return now_ - start_; }
    void restart() { start_ = now_; }

    [[nodiscard]] int interrupt_code() { return watch_.code_after_grace(options_); }

    /// Yields the core if the wait has just begun, and sleeps otherwise.
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
