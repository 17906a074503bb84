#include "cli/run/resume_check.hpp"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <span>

#include <fmt/format.h>

#include "base/check.hpp"
#include "base/checksum.hpp"
#include "base/error.hpp"
#include "cli/plugin/policy_choice.hpp"
#include "cli/run/replay_text.hpp"
#include "cli/terminal/console.hpp"
#include "cli/terminal/interrupt.hpp"
#include "cli/terminal/version.hpp"
#include "runtime/offline/recorded_model.hpp"
#include "runtime/offline/recording.hpp"
#include "runtime/offline/replay.hpp"
#include "trace/analysis/parts.hpp"

namespace headroom::cli {

namespace {

/// Shows the progress of the check on one line of a terminal, unless it takes less than 200 ms.
class Progress {
  public:
    Progress(std::string what, std::size_t intervals)
        : what_(std::move(what)), intervals_(intervals), on_(Terminal::detect().err_is_terminal) {}
    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;
    ~Progress() {
        if (shown_) {
            put_as_is(stderr, "\r\x1b[K");
            std::fflush(stderr);
        }
    }
    void print(std::int64_t done) {
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

runtime::Replay replay_trace(const RunCommand& command, const trace::Trace& trace) {
    Progress progress(fmt::format("checking {}", command.resume.string()), trace.intervals.size());
    runtime::ReplayWatch watch;
    watch.on_interval = [&](std::int64_t done) { progress.print(done); };
    watch.interrupted = interrupted;
    try {
        const config::Scenario scenario = runtime::recorded_scenario(trace.header, {});
        const ChosenPolicy chosen = recorded_policy(trace.header, scenario, command.own_policy);
        return runtime::replay(trace, scenario, *chosen.policy, watch);
    } catch (const Bug& bug) { // no run writes such a trace
        runtime::Replay failed;
        failed.differences = {fmt::format("the run: recorded | {}", bug.what())};
        return failed;
    }
}

bool is_of_this_version(const trace::Trace& trace) {
    const std::vector<trace::RunPart> parts = trace::run_parts(trace);
    return std::all_of(parts.begin(), parts.end(), [](const trace::RunPart& part) {
        return part.commit == HEADROOM_COMMIT;
    });
}

/// Throws InputError because the trace is damaged, or prints a warning if another version wrote it.
void report_difference(
    const RunCommand& command, const trace::Trace& trace, const std::string& difference
) {
    if (is_of_this_version(trace)) {
        throw InputError(fmt::format(
            "is damaged, expected what comes out again from its scenario, model and tokens\n{}\n"
            "  nothing was changed; go on from a copy of the trace, or run the scenario again",
            difference
        ));
    }
    print_warnings({fmt::format(
        "{}: another version of headroom wrote it, and this one would not leave the same; the "
        "run goes on from what is recorded\n{}",
        command.resume.string(),
        difference
    )});
}

bool launcher_has_checked() {
    return std::getenv(kStartedByHeadroom) != nullptr;
}

} // namespace

std::string scenario_hash(
    const std::string& text, const std::map<std::string, std::string>& input_files
) {
    std::uint64_t sum = checksum(std::as_bytes(std::span(text)));
    for (const auto& [path, contents] : input_files) {
        sum = checksum(std::as_bytes(std::span(path)), sum);
        sum = checksum(std::as_bytes(std::span(contents)), sum);
    }
    return fmt::format("{:016x}", sum);
}

void check_derivable(const RunCommand& command, const trace::Trace& trace, bool goes_on) {
    if (launcher_has_checked()) {
        return;
    }
    const trace::RunHeader& header = trace.header;
    const auto hash = header.attributes.find(kScenarioHash); // older traces lack it
    if (hash != header.attributes.end() &&
        hash->second != scenario_hash(header.scenario, header.input_files)) {
        throw InputError(fmt::format(
            "is damaged: /scenario or an input file has the hash {}, expected {}\n"
            "  nothing was changed; go on from a copy of the trace, or run the scenario again",
            scenario_hash(header.scenario, header.input_files),
            hash->second
        ));
    }
    const runtime::Replay replay = replay_trace(command, trace);
    if (!replay.differences.empty()) {
        report_difference(command, trace, difference_text(trace, replay));
    }
    if (const std::string taken = as_recorded_text(trace, replay); !taken.empty()) {
        print_warnings({fmt::format(
            "{}: {}{}",
            command.resume.string(),
            taken,
            goes_on ? fmt::format("; version {} decides from here on", replay.policy_version) : ""
        )});
    }
}

void check_fits_model(
    const RunCommand& command, const trace::Trace& trace, const config::Scenario& scenario
) {
    std::error_code unknown;
    if (launcher_has_checked() || !std::filesystem::exists(scenario.model_file, unknown)) {
        return;
    }
    const model::GgufFile file(scenario.model_file);
    runtime::check_model_and_prompts(trace, scenario, file);
    const std::string wrong = runtime::wrong_text(trace, model::Tokenizer(file));
    if (!wrong.empty()) {
        report_difference(command, trace, "  " + wrong);
    }
}

} // namespace headroom::cli
