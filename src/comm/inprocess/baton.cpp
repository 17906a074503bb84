#include "comm/inprocess/baton.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/error.hpp"

namespace headroom::comm {

namespace {

using std::chrono::steady_clock;

/// The period in which a sleeping device checks for interrupts of all waiting devices.
constexpr std::chrono::milliseconds kInterruptCheckPeriod{20};

/// Returns the exit code if the error is an InterruptedError, and 0 otherwise.
int interrupt_code_of(const std::exception_ptr& error) {
    try {
        std::rethrow_exception(error);
    } catch (const InterruptedError& interrupt) {
        return static_cast<int>(interrupt.code());
    } catch (...) {
        return 0;
    }
}

} // namespace

void Baton::start() {
    const std::lock_guard lock(mutex_);
    started_ = true;
    last_holder_ = devices_.size() - 1; // so that device 0 is the next
    pass_on();
}

void Baton::cancel() {
    const std::lock_guard lock(mutex_);
    cancelled_ = true;
    for (DeviceState& device : devices_) {
        device.baton_passed.notify_one();
    }
}

bool Baton::await_start(DeviceId self) {
    std::unique_lock lock(mutex_);
    DeviceState& device = devices_[self.index()];
    device.baton_passed.wait(lock, [&] { return cancelled_ || holder_ == self.index(); });
    device.mode = Mode::running;
    return !cancelled_ && !failed();
}

void Baton::wait(DeviceId self, const DeviceWait& wait) {
    std::unique_lock lock(mutex_);
    throw_if_failed(wait);
    if (wait.can_end()) {
        return;
    }
    DeviceState& device = devices_[self.index()];
    device.mode = Mode::waiting;
    device.wait = &wait;
    device.watch = InterruptWatch{};
    pass_on();
    wait_for_baton(lock, self.index());
    device.mode = Mode::running;
    device.wait = nullptr;
    if (device.wait_error != nullptr) {
        std::rethrow_exception(std::exchange(device.wait_error, nullptr));
    }
    throw_if_failed(wait);
}

void Baton::wait_for_baton(std::unique_lock<std::mutex>& lock, std::size_t self) {
    DeviceState& device = devices_[self];
    const std::optional<SteadyTime> moment =
        device.wait == nullptr ? std::nullopt : device.wait->sleep_end;
    while (holder_ != self) {
        const SteadyTime now = steady_clock::now();
        if (moment && now >= *moment && holder_ == kNoDevice) {
            pass_on(); // nobody has the baton to notice that the sleep is over
            continue;
        }
        if (!moment || now >= *moment) {
            device.baton_passed.wait(lock); // pass_on() checks whether this wait can end
            continue;
        }
        const bool watches = device.wait->options.interrupted != nullptr;
        device.baton_passed.wait_until(
            lock, watches ? std::min(*moment, now + kInterruptCheckPeriod) : *moment
        );
        if (holder_ == kNoDevice) {
            pass_on();
        }
    }
}

void Baton::yield(DeviceId self) {
    std::unique_lock lock(mutex_);
    DeviceState& device = devices_[self.index()];
    device.mode = Mode::ready;
    pass_on();
    wait_for_baton(lock, self.index());
    device.mode = Mode::running;
}

void Baton::end(DeviceId self, std::exception_ptr error) {
    const std::lock_guard lock(mutex_);
    devices_[self.index()].mode = Mode::ended;
    if (error != nullptr && first_error_ == nullptr) {
        interrupt_code_ = interrupt_code_of(error);
        first_error_ = std::move(error);
        first_failed_ = self.index();
    }
    if (started_) {
        pass_on();
    }
}

void Baton::pass_on() {
    holder_ = kNoDevice;
    if (pass_to_next() || any_device_sleeps()) {
        return;
    }
    fail_all_waits();
    static_cast<void>(pass_to_next()); // false: all devices have ended
}

bool Baton::pass_to_next() {
    for (std::size_t step = 1; step <= devices_.size(); ++step) {
        const std::size_t next = (last_holder_ + step) % devices_.size();
        if (can_run(devices_[next])) {
            holder_ = next;
            last_holder_ = next;
            devices_[next].baton_passed.notify_one();
            return true;
        }
    }
    return false;
}

bool Baton::can_run(DeviceState& device) const {
    if (device.mode != Mode::waiting) {
        return device.mode == Mode::ready;
    }
    if (failed() || device.wait_error != nullptr || device.wait->can_end()) {
        return true;
    }
    if (const int code = device.watch.code_after_grace(device.wait->options); code != 0) {
        device.wait_error = std::make_exception_ptr(InterruptedError(static_cast<ExitCode>(code)));
        return true;
    }
    return false;
}

bool Baton::any_device_sleeps() const {
    return std::any_of(devices_.begin(), devices_.end(), [](const DeviceState& device) {
        return device.mode == Mode::waiting && device.wait->sleep_end.has_value();
    });
}

/// Ends all waits with an error, because no device can run. After an interrupt the error is an
/// InterruptedError: the interrupted device, which no longer answers, causes the deadlock.
void Baton::fail_all_waits() {
    const std::string text = deadlock_text();
    for (DeviceState& device : devices_) {
        if (device.mode != Mode::waiting) {
            continue;
        }
        const Transport::Options& options = device.wait->options;
        const int code = options.interrupted == nullptr ? 0 : options.interrupted();
        device.wait_error =
            code != 0 ? std::make_exception_ptr(InterruptedError(static_cast<ExitCode>(code)))
                      : std::make_exception_ptr(StuckError(text));
    }
}

std::string Baton::deadlock_text() const {
    std::string text = "deadlock, no device can go on:";
    std::string ended;
    for (std::size_t i = 0; i < devices_.size(); ++i) {
        if (devices_[i].mode == Mode::waiting) {
            text += "\n  " + devices_[i].wait->text();
        } else if (devices_[i].mode == Mode::ended) {
            ended += fmt::format("{}{}", ended.empty() ? "" : ", ", i);
        }
    }
    return ended.empty() ? text : text + "\n  already at their end: device " + ended;
}

void Baton::throw_if_failed(const DeviceWait& wait) const {
    if (interrupt_code_ != 0) {
        throw InterruptedError(static_cast<ExitCode>(interrupt_code_));
    }
    if (failed()) {
        throw StuckError(fmt::format(
            "device {} failed: look at its messages first; {}", first_failed_, wait.text()
        ));
    }
}

} // namespace headroom::comm
