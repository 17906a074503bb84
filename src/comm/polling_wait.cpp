#include "comm/polling_wait.hpp"

#include <algorithm>
#include <ctime>
#include <sched.h>
#include <sys/prctl.h>
#include <utility>

#include "base/error.hpp"

namespace headroom::comm {

namespace {

using std::chrono::microseconds;
using std::chrono::steady_clock;

/// A wait yields at first, because most answers come soon. It must yield for longer than the first
/// sleep takes. With only 50 yields (about 15 us), two devices that answer each other both slept
/// while the other's answer arrived, and 64 bytes took 250 us instead of 3.
constexpr microseconds kYieldTime{200};
constexpr microseconds kTransferYieldTime{2000};
constexpr microseconds kFirstSleep{50};
constexpr microseconds kMaxSleep{500};

/// A longer time between two pauses means that this process, and perhaps others, was stopped.
constexpr std::chrono::seconds kMinStopGap{2};

} // namespace

void use_fine_timers() {
    thread_local const bool once = [] {
        // If this fails, sleeps end about 50 us later.
        prctl(PR_SET_TIMERSLACK, 1000UL, 0UL, 0UL, 0UL);
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

int InterruptWatch::code_after_grace(const Transport::Options& options) {
    const int code = options.interrupted == nullptr ? 0 : options.interrupted();
    if (code == 0) {
        return 0;
    }
    if (code == static_cast<int>(ExitCode::environment)) {
        return code; // mpirun is ending the job, so there is no grace time
    }
    const SteadyTime now = steady_clock::now();
    if (!since_) {
        since_ = now;
    }
    return now - *since_ >= options.grace ? code : 0;
}

PollingWait::PollingWait(const Transport::Options& options, WaitKind kind)
    : options_(options), start_(steady_clock::now()), now_(start_), yield_until_(start_),
      sleep_time_(kFirstSleep), max_sleep_time_(kMaxSleep) {
    if (kind == WaitKind::transfer) {
        max_sleep_time_ = kFirstSleep;
    }
    if (!options.sleep_when_idle) {
        yield_until_ += kind == WaitKind::transfer ? kTransferYieldTime : kYieldTime;
    }
}

void PollingWait::pause() {
    const SteadyTime before = std::exchange(now_, steady_clock::now());
    if (now_ - before > kMinStopGap) {
        start_ += now_ - before;
    }
    if (now_ < yield_until_) {
        sched_yield();
        return;
    }
    sleep_until(now_ + sleep_time_);
    // Each sleep is a quarter longer, so a wait oversleeps by a fraction of its duration at most.
    sleep_time_ = std::min(sleep_time_ + sleep_time_ / 4, max_sleep_time_);
}

} // namespace headroom::comm
