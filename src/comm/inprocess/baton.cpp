// Passing the baton: round robin among those that can run, deadlock when there is none.
#include "comm/inprocess/baton.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/error.hpp"

namespace headroom::comm {

namespace {

using std::chrono::steady_clock;

/// How often a sleeper looks for interrupts, of its own and of those who wait for it.
constexpr std::chrono::milliseconds kLook{20};

/// 0 if the error is none.
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
    last_holder_ = places_.size() - 1; // so that device 0 is the next
    pass_on();
}

void Baton::cancel() {
    const std::lock_guard lock(mutex_);
    cancelled_ = true;
    for (Place& place : places_) {
        place.turn.notify_one();
    }
}

bool Baton::await_start(DeviceId self) {
    std::unique_lock lock(mutex_);
    Place& place = places_[self.index()];
    place.turn.wait(lock, [&] { return cancelled_ || holder_ == self.index(); });
    place.mode = Mode::running;
    return !cancelled_ && !failed();
}

void Baton::wait(DeviceId self, const Wait& wait) {
    std::unique_lock lock(mutex_);
    stop_if_failed(wait);
    if (wait.may_go()) {
        return;
    }
    Place& place = places_[self.index()];
    place.mode = Mode::waiting;
    place.wait = &wait;
    place.watch = InterruptWatch{};
    pass_on();
    hold(lock, self.index());
    place.mode = Mode::running;
    place.wait = nullptr;
    if (place.verdict != nullptr) {
        std::rethrow_exception(std::exchange(place.verdict, nullptr));
    }
    stop_if_failed(wait);
}

void Baton::hold(std::unique_lock<std::mutex>& lock, std::size_t self) {
    Place& place = places_[self];
    const std::optional<SteadyTime> moment =
        place.wait == nullptr ? std::nullopt : place.wait->moment;
    while (holder_ != self) {
        const SteadyTime now = steady_clock::now();
        if (moment && now >= *moment && holder_ == kNobody) {
            pass_on(); // the moment came after the last look: nobody else would see it
            continue;
        }
        if (!moment || now >= *moment) {
            place.turn.wait(lock); // whoever passes the baton on sees that this one may go
            continue;
        }
        const bool watches = place.wait->options.interrupted != nullptr;
        place.turn.wait_until(lock, watches ? std::min(*moment, now + kLook) : *moment);
        if (holder_ == kNobody) {
            pass_on();
        }
    }
}

void Baton::yield(DeviceId self) {
    std::unique_lock lock(mutex_);
    Place& place = places_[self.index()];
    place.mode = Mode::ready;
    pass_on();
    hold(lock, self.index());
    place.mode = Mode::running;
}

void Baton::end(DeviceId self, std::exception_ptr error) {
    const std::lock_guard lock(mutex_);
    places_[self.index()].mode = Mode::ended;
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
    holder_ = kNobody;
    if (hand_to_next() || anybody_sleeps()) {
        return;
    }
    condemn_waiting();
    static_cast<void>(hand_to_next()); // nobody left: all have ended
}

bool Baton::hand_to_next() {
    for (std::size_t step = 1; step <= places_.size(); ++step) {
        const std::size_t next = (last_holder_ + step) % places_.size();
        if (may_run(places_[next])) {
            holder_ = next;
            last_holder_ = next;
            places_[next].turn.notify_one();
            return true;
        }
    }
    return false;
}

bool Baton::may_run(Place& place) const {
    if (place.mode != Mode::waiting) {
        return place.mode == Mode::ready;
    }
    if (failed() || place.verdict != nullptr || place.wait->may_go()) {
        return true;
    }
    if (const int code = place.watch.overdue(place.wait->options); code != 0) {
        place.verdict = std::make_exception_ptr(InterruptedError(static_cast<ExitCode>(code)));
        return true;
    }
    return false;
}

bool Baton::anybody_sleeps() const {
    return std::any_of(places_.begin(), places_.end(), [](const Place& place) {
        return place.mode == Mode::waiting && place.wait->moment.has_value();
    });
}

/// Nobody can run: whoever waits is told so. After an interrupt that is only its consequence:
/// a device that was interrupted will not answer the others any more.
void Baton::condemn_waiting() {
    const std::string text = deadlock_text();
    for (Place& place : places_) {
        if (place.mode != Mode::waiting) {
            continue;
        }
        const Transport::Options& options = place.wait->options;
        const int code = options.interrupted == nullptr ? 0 : options.interrupted();
        place.verdict = code != 0
                            ? std::make_exception_ptr(InterruptedError(static_cast<ExitCode>(code)))
                            : std::make_exception_ptr(StuckError(text));
    }
}

std::string Baton::deadlock_text() const {
    std::string text = "deadlock, no device can go on:";
    std::string ended;
    for (std::size_t i = 0; i < places_.size(); ++i) {
        if (places_[i].mode == Mode::waiting) {
            text += "\n  " + places_[i].wait->text();
        } else if (places_[i].mode == Mode::ended) {
            ended += fmt::format("{}{}", ended.empty() ? "" : ", ", i);
        }
    }
    return ended.empty() ? text : text + "\n  already at their end: device " + ended;
}

void Baton::stop_if_failed(const Wait& wait) const {
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
