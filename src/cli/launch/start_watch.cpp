#include "cli/launch/start_watch.hpp"

#include <algorithm>
#include <sys/resource.h>
#include <unistd.h>

#include <fmt/format.h>

#include "base/units.hpp"
#include "cli/launch/process_status.hpp"

namespace headroom::cli {

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

/// A longer time between two calls means that the computer or this process was suspended.
constexpr seconds kClockGap{1};
constexpr milliseconds kCheckInterval{500};
/// An idle mpirun without children has failed after this time.
constexpr seconds kIdle{10};
/// The same limit after ranks have run and ended.
constexpr seconds kIdleAfterRanks{2};

std::string limit_text(decltype(RLIMIT_NOFILE) resource, rlim_t unit) {
    rlimit limit{};
    if (getrlimit(resource, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) {
        return "unlimited";
    }
    return fmt::format("{}", limit.rlim_cur / unit);
}

} // namespace

void write_start_mark() {
    (void)!write(STDOUT_FILENO, kStartMark.data(), kStartMark.size());
}

StartWatch::Clock::duration StartWatch::time_limit() const {
    const seconds per_rank(ranks_);
    return stage_ == StartStage::launched ? seconds(60) + per_rank : seconds(120) + 2 * per_rank;
}

void StartWatch::check_mpirun() {
    const auto look = process_status(mpirun_);
    stopped_ = look && (look->state == 'T' || look->state == 't');
    const std::vector<pid_t> children = descendants(mpirun_);
    had_ranks_ =
        had_ranks_ || std::any_of(children.begin(), children.end(), [](pid_t child) {
            return rank_of(child).has_value(); // ignores ssh, which ends after starting a daemon
        });
    const bool runs = !look || look->state == 'R' || look->cpu_ticks != cpu_ticks_;
    const bool works = runs || !children.empty();
    cpu_ticks_ = look ? look->cpu_ticks : -1;
    if (works) {
        idle_ = {};
    }
}

bool StartWatch::has_failed(StartStage stage) {
    const Clock::time_point now = Clock::now();
    const Clock::duration passed = now - last_call_;
    last_call_ = now;
    if (stage != stage_) {
        stage_ = stage;
        waited_ = idle_ = {};
    }
    if (stage == StartStage::all_connected || passed > kClockGap) {
        return false;
    }
    since_check_ += passed;
    idle_ += passed;
    if (since_check_ >= kCheckInterval) {
        since_check_ = {};
        check_mpirun();
    }
    if (stopped_) {
        idle_ = {};
        return false;
    }
    waited_ += passed;
    const bool gave_up =
        had_ranks_ ? idle_ >= kIdleAfterRanks : stage_ == StartStage::launched && idle_ >= kIdle;
    return gave_up || waited_ >= time_limit();
}

std::string StartWatch::text() const {
    const auto waited = std::chrono::duration_cast<std::chrono::nanoseconds>(waited_).count();
    return fmt::format(
        "mpirun has {} in {}, expected {} ranks at work; what it says is above\n"
        "  limits here: open files (ulimit -n) {}, address space in KiB (ulimit -v) {}, processes "
        "(ulimit -u) {}: raise those that are low, check mpirun with: mpirun -n 2 true; without "
        "MPI: --transport inprocess",
        stage_ != StartStage::launched ? "not brought the ranks together"
        : had_ranks_                   ? "lost a rank before the ranks met, and not ended,"
                                       : "started no rank",
        format_duration(waited),
        ranks_,
        limit_text(RLIMIT_NOFILE, 1),
        limit_text(RLIMIT_AS, 1024),
        limit_text(RLIMIT_NPROC, 1)
    );
}

} // namespace headroom::cli
