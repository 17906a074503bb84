// Who runs: of all devices in this process exactly one has the baton, so they need no locks among
// themselves, their order is the same every time, and when nobody can go on it is seen at once.
// It knows nothing of messages; a wait says by itself whether it may go on.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <exception>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/ids.hpp"
#include "comm/patience.hpp"
#include "comm/transport.hpp"

namespace headroom::comm {

/// What a device waits for; lives on its stack while it waits.
struct Wait {
    const Transport::Options& options;
    /// Asked by whoever passes the baton on; changes nothing.
    std::function<bool()> may_go;
    /// "device 0 (laptop) waits to receive ...": for deadlocks.
    std::function<std::string()> text;
    /// A sleep: it ends by itself, so it is no part of a deadlock.
    std::optional<SteadyTime> moment;
};

class Baton {
  public:
    explicit Baton(std::size_t devices) : places_(devices) {}

    /// Gives the baton to device 0; before it nobody runs.
    void start();
    /// Instead of start: nobody shall run, await_start returns false everywhere.
    void cancel();
    /// Called first by a device's thread: waits for its first turn. False: do not run at all.
    [[nodiscard]] bool await_start(DeviceId self);

    /// Gives the baton away until the wait may go on and it is this device's turn. Throws
    /// StuckError if nobody can go on or another device has failed, InterruptedError if an
    /// interrupt has lasted longer than its grace time, or another device has ended for it.
    void wait(DeviceId self, const Wait& wait);

    /// Lets every other device that can run have its turn.
    void yield(DeviceId self);

    /// The device has come to its end; with an error: all others are stopped at their next wait.
    void end(DeviceId self, std::exception_ptr error);

    /// The first error that a device ended with. Precondition: the caller has the baton or all
    /// threads are joined (this one too).
    [[nodiscard]] std::exception_ptr first_error() const { return first_error_; }
    [[nodiscard]] bool failed() const { return first_error_ != nullptr; }

  private:
    enum class Mode { ready, running, waiting, ended };
    struct Place {
        std::condition_variable turn;
        Mode mode = Mode::ready;
        const Wait* wait = nullptr;
        InterruptWatch watch;
        std::exception_ptr verdict; ///< why its wait will never end well
    };
    static constexpr std::size_t kNobody = static_cast<std::size_t>(-1);

    void pass_on();
    [[nodiscard]] bool hand_to_next();
    [[nodiscard]] bool may_run(Place& place) const;
    [[nodiscard]] bool anybody_sleeps() const;
    void condemn_waiting();
    [[nodiscard]] std::string deadlock_text() const;
    void hold(std::unique_lock<std::mutex>& lock, std::size_t self);
    void stop_if_failed(const Wait& wait) const;

    std::mutex mutex_;
    std::vector<Place> places_;
    std::size_t holder_ = kNobody;
    std::size_t last_holder_ = 0;
    bool started_ = false;
    bool cancelled_ = false;
    std::exception_ptr first_error_;
    std::size_t first_failed_ = kNobody;
    int interrupt_code_ = 0; ///< the first error was an interrupt
};

} // namespace headroom::comm
