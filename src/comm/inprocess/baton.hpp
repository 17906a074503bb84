// Schedules the device threads of one process: only the thread that has the baton (the right to
// run) runs. So devices need no locks, they run in the same order in every run, and a deadlock is
// detected at once. Baton knows nothing of messages: each wait has a function that tells whether
// the wait can end.
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
#include "comm/polling_wait.hpp"
#include "comm/transport.hpp"

namespace headroom::comm {

/// A wait of one device. The object is on the stack of the device's thread during the wait.
struct DeviceWait {
    const Transport::Options& options;
    /// Returns whether the wait can end. Threads of other devices call this function, so it must
    /// not change state.
    std::function<bool()> can_end;
    /// Returns "device 0 (laptop) waits to receive ...", for error messages.
    std::function<std::string()> text;
    /// The moment at which the device wakes, if the wait is a sleep. Waits for something else have
    /// no value here. While a device sleeps, there is no deadlock.
    std::optional<SteadyTime> sleep_end;
};

class Baton {
  public:
    explicit Baton(std::size_t devices) : devices_(devices) {}

    /// Gives the baton to device 0. No device runs before this call.
    void start();
    /// The caller calls cancel() instead of start() if a device's thread cannot be created. No
    /// device runs then, because await_start returns false on all devices.
    void cancel();
    /// Waits for the baton for the first time. Each device's thread calls this function first, and
    /// must not run its device if the result is false: after cancel(), or if a device has failed.
    [[nodiscard]] bool await_start(DeviceId self);

    /// Passes the baton on, and returns when the wait can end and this device has the baton again.
    /// Keeps the baton if the wait can end at once. Throws StuckError if no device can continue or
    /// if another device has failed. If an interrupt has caused this, throws InterruptedError
    /// instead. Also throws InterruptedError when the grace time after an interrupt
    /// (Options::grace) is over.
    void wait(DeviceId self, const DeviceWait& wait);

    /// Gives the baton once to each other device that can run, before this device continues.
    void yield(DeviceId self);

    /// Records that the device has ended, and passes the baton on. If `error` is not null, the
    /// device has failed, and the present or next wait of each other device throws.
    void end(DeviceId self, std::exception_ptr error);

    /// Returns the first error with which a device ended, or null. first_error() and failed() have
    /// this precondition: the caller has the baton, or all device threads are joined.
    [[nodiscard]] std::exception_ptr first_error() const { return first_error_; }
    [[nodiscard]] bool failed() const { return first_error_ != nullptr; }

  private:
    enum class Mode { ready, running, waiting, ended };
    struct DeviceState {
        std::condition_variable baton_passed;
        Mode mode = Mode::ready;
        const DeviceWait* wait = nullptr;
        InterruptWatch watch;
        std::exception_ptr wait_error; ///< the error that the device's wait must throw, if any
    };
    static constexpr std::size_t kNoDevice = static_cast<std::size_t>(-1);

    /// Passes the baton to the next device that can run, in the order of ids. If none can run, the
    /// sleeping device that wakes first takes the baton; if none sleeps either, all waits throw
    /// (deadlock).
    void pass_on();
    [[nodiscard]] bool pass_to_next();
    [[nodiscard]] bool can_run(DeviceState& device) const;
    [[nodiscard]] bool any_device_sleeps() const;
    void fail_all_waits();
    [[nodiscard]] std::string deadlock_text() const;
    void wait_for_baton(std::unique_lock<std::mutex>& lock, std::size_t self);
    void throw_if_failed(const DeviceWait& wait) const;

    std::mutex mutex_;
    std::vector<DeviceState> devices_;
    std::size_t holder_ = kNoDevice;
    std::size_t last_holder_ = 0;
    bool started_ = false;
    bool cancelled_ = false;
    std::exception_ptr first_error_;
    std::size_t first_failed_ = kNoDevice;
    int interrupt_code_ = 0; ///< the exit code if the first error was an interrupt, else 0
};

} // namespace headroom::comm
