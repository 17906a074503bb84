// Polling, sleeping and giving up, shared by the transports.
#include "comm/patience.hpp"

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <sched.h>
#include <sys/prctl.h>

namespace headroom::comm {

namespace {

using std::chrono::microseconds;
using std::chrono::steady_clock;

/// An answer that is under way comes within a few scheduling rounds; after that the core is better
/// used by the device that is being waited for.
constexpr int kYields = 50;
constexpr microseconds kFirstSlice{50};
constexpr microseconds kLongestSlice{500};

} // namespace

void use_fine_timers() {
    thread_local const bool once = [] {
        prctl(PR_SET_TIMERSLACK, 1000UL, 0UL, 0UL, 0UL); // refused: sleeps end some 50 us later
        return true;
    }();
    static_cast<void>(once);
}

void sleep_until(SteadyTime moment) {
    use_fine_timers();
    // libstdc++'s steady_clock is CLOCK_MONOTONIC, counted from the same origin.
    const auto since_boot = moment.time_since_epoch();
    const auto seconds = std::chrono::floor<std::chrono::seconds>(since_boot);
    timespec until{};
    until.tv_sec = static_cast<std::time_t>(seconds.count());
    until.tv_nsec = static_cast<long>(std::chrono::nanoseconds(since_boot - seconds).count());
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, nullptr);
}

int InterruptWatch::overdue(const Transport::Options& options) {
    const int code = options.interrupted == nullptr ? 0 : options.interrupted();
    if (code == 0) {
        return 0;
    }
    const SteadyTime now = steady_clock::now();
    if (!since_) {
        since_ = now;
    }
    return now - *since_ >= options.grace ? code : 0;
}

Patience::Patience(const Transport::Options& options)
    : options_(options), start_(steady_clock::now()),
      yields_left_(options.sleep_when_idle ? 0 : kYields), slice_(kFirstSlice) {}

bool Patience::exhausted() const {
    return yields_left_ == 0 && steady_clock::now() - start_ >= options_.deadline;
}

void Patience::pause() {
    if (yields_left_ > 0) {
        --yields_left_;
        sched_yield();
        return;
    }
    sleep_until(steady_clock::now() + slice_);
    // A quarter more each time: what is overslept stays a fraction of what was waited.
    slice_ = std::min<std::chrono::nanoseconds>(slice_ + slice_ / 4, kLongestSlice);
}

} // namespace headroom::comm
