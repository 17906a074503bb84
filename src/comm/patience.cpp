// Polling, sleeping and giving up, shared by the transports.
#include "comm/patience.hpp"

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <sched.h>
#include <sys/prctl.h>
#include <utility>

#include "base/error.hpp"

namespace headroom::comm {

namespace {

using std::chrono::microseconds;
using std::chrono::steady_clock;

/// A wait yields at first, because an answer that is under way comes soon. It must do so for longer
/// than the first sleep takes: with 50 yields (some 15 us) two devices that answer each other fell
/// into a rhythm in which each slept through the other's answer, 64 B took 250 us instead of 3.
constexpr microseconds kYieldTime{200};
constexpr microseconds kYieldTimeOfTransfers{2000};
constexpr microseconds kFirstSlice{50};
constexpr microseconds kLongestSlice{500};

/// Between two pauses: this process has been stopped, and the others perhaps with it.
constexpr std::chrono::seconds kGap{2};

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
    if (code == static_cast<int>(ExitCode::environment)) {
        return code; // the job is being ended from outside: there is no time for grace
    }
    const SteadyTime now = steady_clock::now();
    if (!since_) {
        since_ = now;
    }
    return now - *since_ >= options.grace ? code : 0;
}

Patience::Patience(const Transport::Options& options, Pace pace)
    : options_(options), start_(steady_clock::now()), now_(start_), yield_until_(start_),
      slice_(kFirstSlice), longest_slice_(kLongestSlice) {
    if (pace == Pace::transfer) {
        longest_slice_ = kFirstSlice;
    }
    if (!options.sleep_when_idle) {
        yield_until_ += pace == Pace::transfer ? kYieldTimeOfTransfers : kYieldTime;
    }
}

void Patience::pause() {
    const SteadyTime before = std::exchange(now_, steady_clock::now());
    if (now_ - before > kGap) {
        start_ += now_ - before;
    }
    if (now_ < yield_until_) {
        sched_yield();
        return;
    }
    sleep_until(now_ + slice_);
    // A quarter more each time: what is overslept stays a fraction of what was waited.
    slice_ = std::min(slice_ + slice_ / 4, longest_slice_);
}

} // namespace headroom::comm
