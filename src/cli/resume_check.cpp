#include "cli/resume_check.hpp"

#include <algorithm>
#include <chrono>
#include <cstdlib>

#include <fmt/format.h>

#include "base/check.hpp"
#include "base/error.hpp"
#include "cli/console.hpp"
#include "cli/interrupt.hpp"
#include "cli/replay_text.hpp"
#include "cli/version.hpp"
#include "runtime/recording.hpp"
#include "runtime/replay.hpp"
#include "trace/parts.hpp"

namespace headroom::cli {

namespace {

/// How far it is, on one line of a terminal; nothing where it is over at once.
class Progress {
  public:
    Progress(std::string what, std::size_t intervals)
        : what_(std::move(what)), intervals_(intervals), on_(Terminal::look().err) {}
    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;
    ~Progress() {
        if (shown_) {
            put_as_is(stderr, "\r\x1b[K");
            std::fflush(stderr);
        }
    }
    void tell(std::int64_t done) {
        const auto now = std::chrono::steady_clock::now();
        if (on_ && now >= next_) {
            put_as_is(stderr, "\r\x1b[K");
            say(stderr, "{}: interval {} of {}", what_, done, intervals_);
            std::fflush(stderr);
            shown_ = true;
            next_ = now + kPause;
        }
    }

  private:
    static constexpr std::chrono::milliseconds kPause{200};
    std::string what_;
    std::size_t intervals_;
    bool on_;
    bool shown_ = false;
    std::chrono::steady_clock::time_point next_ = std::chrono::steady_clock::now() + kPause;
};

runtime::Replay derive(const RunCommand& command, const trace::Trace& trace) {
    Progress progress(fmt::format("checking {}", command.resume.string()), trace.intervals.size());
    runtime::ReplayWatch watch;
    watch.on_interval = [&](std::int64_t done) { progress.tell(done); };
    watch.interrupted = interrupted;
    try {
        const config::Scenario scenario = runtime::recorded_scenario(trace.header, {});
        const auto policy = scheduler::make_policy(scenario.controller.policy);
        return runtime::replay(trace, scenario, *policy, watch);
    } catch (const Bug& bug) { // what no run can have left
        return {{fmt::format("the run: recorded | {}", bug.what())}, 0, 0};
    }
}

bool is_of_this_version(const trace::Trace& trace) {
    const std::vector<trace::Part> parts = trace::parts_of(trace);
    return std::all_of(parts.begin(), parts.end(), [](const trace::Part& part) {
        return part.commit == HEADROOM_COMMIT;
    });
}

} // namespace

void check_derivable(const RunCommand& command, const trace::Trace& trace) {
    if (std::getenv(kSelfStarted) != nullptr) {
        return;
    }
    const runtime::Replay replay = derive(command, trace);
    if (replay.differences.empty()) {
        return;
    }
    const std::string difference = difference_text(trace, replay);
    if (!is_of_this_version(trace)) {
        print_warnings(
            Terminal::look(),
            {fmt::format(
                "{}: another version of headroom wrote it, and this one would not decide the same; "
                "the run goes on from what is recorded\n{}",
                command.resume.string(),
                difference
            )}
        );
        return;
    }
    throw InputError(fmt::format(
        "is damaged, expected what comes out again from its scenario and its tokens\n{}\n"
        "  nothing was changed; go on from a copy of the trace, or run the scenario again",
        difference
    ));
}

} // namespace headroom::cli
