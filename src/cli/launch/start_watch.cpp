#include "cli/launch/start_watch.hpp"

#include <algorithm>
#include <sys/resource.h>
#include <unistd.h>

#include <fmt/format.h>

#include "base/units.hpp"
#include "cli/launch/process_look.hpp"

namespace headroom::cli {

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

/// A longer time between two calls is a gap: the computer slept, or somebody stopped us.
constexpr seconds kSignGap{1};
constexpr milliseconds kBetweenLooks{500};
/// So long an mpirun without children that does nothing has given up.
constexpr seconds kIdle{10};
/// The same after its ranks have ended: it has had time enough to say so and to end.
constexpr seconds kIdleAfterRanks{2};

std::string limit_text(decltype(RLIMIT_NOFILE) resource, rlim_t unit) {
    rlimit limit{};
    if (getrlimit(resource, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) {
        return "unlimited";
    }
    return fmt::format("{}", limit.rlim_cur / unit);
}

} // namespace

void give_sign() {
    (void)!write(STDOUT_FILENO, kSign.data(), kSign.size());
}

StartWatch::Clock::duration StartWatch::patience() const {
    const seconds per_rank(ranks_);
    return step_ == JobStep::launched ? seconds(60) + per_rank : seconds(120) + 2 * per_rank;
}

void StartWatch::look_at_mpirun() {
    const auto look = look_at(mpirun_);
    stopped_ = look && (look->state == 'T' || look->state == 't');
    const std::vector<pid_t> children = descendants(mpirun_);
    had_ranks_ =
        had_ranks_ || std::any_of(children.begin(), children.end(), [](pid_t child) {
            return rank_of(child).has_value(); // not ssh, which ends when it has started one
        });
    const bool runs = !look || look->state == 'R' || look->processor != used_;
    const bool works = runs || !children.empty();
    used_ = look ? look->processor : -1;
    if (works) {
        idle_ = {};
    }
}

bool StartWatch::has_failed(JobStep step) {
    const Clock::time_point now = Clock::now();
    const Clock::duration passed = now - seen_;
    seen_ = now;
    if (step != step_) {
        step_ = step;
        waited_ = idle_ = {};
    }
    if (step == JobStep::met || passed > kSignGap) {
        return false;
    }
    looked_ += passed;
    idle_ += passed;
    if (looked_ >= kBetweenLooks) {
        looked_ = {};
        look_at_mpirun();
    }
    if (stopped_) {
        idle_ = {};
        return false;
    }
    waited_ += passed;
    const bool gave_up =
        had_ranks_ ? idle_ >= kIdleAfterRanks : step_ == JobStep::launched && idle_ >= kIdle;
    return gave_up || waited_ >= patience();
}

std::string StartWatch::text() const {
    const auto waited = std::chrono::duration_cast<std::chrono::nanoseconds>(waited_).count();
    return fmt::format(
        "mpirun has {} in {}, expected {} ranks at work; what it says is above\n"
        "  limits here: open files (ulimit -n) {}, address space in KiB (ulimit -v) {}, processes "
        "(ulimit -u) {}: raise those that are low, check mpirun with: mpirun -n 2 true; without "
        "MPI: --transport inprocess",
        step_ != JobStep::launched ? "not brought the ranks together"
        : had_ranks_               ? "lost a rank before the ranks met, and not ended,"
                                   : "started no rank",
        format_duration(waited),
        ranks_,
        limit_text(RLIMIT_NOFILE, 1),
        limit_text(RLIMIT_AS, 1024),
        limit_text(RLIMIT_NPROC, 1)
    );
}

} // namespace headroom::cli
