#include "cli/run/run_session.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <unistd.h>

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "cli/launch/rank_handshake.hpp"
#include "cli/run/resume_check.hpp"
#include "cli/run/summary_text.hpp"
#include "cli/terminal/failure.hpp"
#include "cli/terminal/interrupt.hpp"
#include "cli/terminal/screen.hpp"
#include "cli/terminal/version.hpp"
#include "kernels/kernels.hpp"
#include "runtime/setup/host_text.hpp"
#include "trace/analysis/parts.hpp"
#include "trace/hdf5/writer.hpp"

namespace headroom::cli {

std::filesystem::path default_trace_path(const config::Scenario& scenario) {
    const std::tm now = fmt::localtime(std::time(nullptr));
    return fmt::format("{}-{:%Y%m%d-%H%M%S}-{}.h5", scenario.name, now, getpid());
}

namespace {

/// Throws InputError if the path is an existing file that is not a trace: --force must not
/// overwrite a scenario or a model that was named by mistake.
void check_overwrites_a_trace(const std::filesystem::path& path) {
    std::error_code unknown;
    if (!std::filesystem::is_regular_file(path, unknown) ||
        std::filesystem::file_size(path, unknown) == 0) {
        return;
    }
    std::array<char, 4> head{};
    std::ifstream(path, std::ios::binary).read(head.data(), head.size());
    if (std::string_view(head.data(), head.size()) != "\x89HDF") {
        throw InputError(fmt::format(
            "--trace {}: exists and is no trace, expected a new name or an old trace: --force does "
            "not overwrite other files; give another --trace",
            path.string()
        ));
    }
}

} // namespace

void check_trace_destination(const std::filesystem::path& path, bool force) {
    if (!path.empty()) {
        trace::check_trace_path(path.string(), force);
        check_overwrites_a_trace(path);
    }
}

/// Passes all rows to the trace file, if there is one, and to the summary.
class RunSession::Tee final : public trace::Sink {
  public:
    /// `file` may be null. `before` is the part of a resumed run that the file has already, or
    /// null.
    Tee(trace::Sink* file, trace::Sink& summary, const trace::Trace* before)
        : file_(file), summary_(summary), before_(before) {}
    void begin(const trace::RunHeader& header) override {
        has_begun_ = true;
        if (file_ != nullptr) {
            file_->begin(header);
        }
        summary_.begin(header);
        if (before_ != nullptr) {
            for (const trace::Interval& interval : before_->intervals) {
                summary_.commit(interval);
            }
        }
    }
    void commit(const trace::Interval& interval) override {
        if (file_ != nullptr) {
            file_->commit(interval);
        }
        summary_.commit(interval);
    }
    void end(trace::Completion completion) override {
        if (file_ != nullptr) {
            file_->end(completion);
        }
        summary_.end(completion);
    }

    /// Whether there is a trace that end() can close.
    [[nodiscard]] bool has_begun() const { return has_begun_; }

  private:
    bool has_begun_ = false;
    trace::Sink* file_;
    trace::Sink& summary_;
    const trace::Trace* before_;
};

namespace {

bool are_several_hosts(const std::vector<std::string>& hosts) {
    return std::any_of(hosts.begin(), hosts.end(), [&](const std::string& host) {
        return host != hosts.front();
    });
}

/// Returns the folder at which relative paths of the scenario start.
std::filesystem::path folder_of(const config::Scenario& scenario) {
    return scenario.path.empty()
               ? std::filesystem::current_path()
               : std::filesystem::absolute(scenario.path).lexically_normal().parent_path();
}

std::filesystem::path trace_path(
    const RunCommand& command, const config::Scenario& scenario, const Resumption* resumption
) {
    if (command.no_trace || !command.trace.empty()) {
        return command.trace;
    }
    return resumption != nullptr ? command.resume : default_trace_path(scenario);
}

/// Creates the trace file; returns null with --no-trace. A resumed run may replace its own trace,
/// but another one only with --force.
std::unique_ptr<trace::Sink> file_sink(
    const RunCommand& command, const std::filesystem::path& path, const Resumption* resumption
) {
    defer_interrupts(); // the trace must be closed, and the summary printed
    if (command.no_trace) {
        return nullptr;
    }
    const trace::WarningHandler warn = [](const std::string& text) { print_warnings({text}); };
    if (resumption == nullptr) {
        return trace::make_hdf5_sink(path.string(), command.force, warn);
    }
    if (resumption->trace.intervals.empty()) { // nothing recorded: the run starts anew
        return trace::make_hdf5_sink(path.string(), command.trace.empty() || command.force, warn);
    }
    if (!command.trace.empty()) {
        trace::check_trace_path(path.string(), command.force);
    }
    return trace::make_resumed_sink(path.string(), resumption->trace, warn);
}

} // namespace

RunSession::RunSession(
    const RunCommand& command,
    const config::Scenario& scenario,
    std::string_view transport,
    std::vector<std::string> hosts,
    const Resumption* resumption
)
    : command_(command), scenario_(scenario), resumption_(resumption),
      trace_path_(::headroom::cli::trace_path(command, scenario, resumption)),
      policy_(choose_policy(scenario, command.own_policy)),
      file_(file_sink(command, trace_path_, resumption)),
      sink_(std::make_unique<Tee>(
          file_.get(), summarizer_, resumption == nullptr ? nullptr : &resumption->trace
      )),
      console_(
          terminal_,
          scenario.workload.max_tokens_in_all(),
          command.text && !command.json,
          are_several_hosts(hosts)
      ),
      hosts_(std::move(hosts)) {
    check_overwrites_a_trace(trace_path_);
    print_notes(scenario.notes);
    print_warnings(scenario.warnings);
    attributes_["program_version"] = HEADROOM_VERSION;
    attributes_["program_commit"] = HEADROOM_COMMIT;
    attributes_["transport"] = transport;
    attributes_[kScenarioHash] =
        scenario_hash(config::resolved_text(scenario), scenario.input_files);
    attributes_["host"] = hosts_.empty() ? host_name() : runtime::hosts_text(hosts_);
    attributes_["openblas_core"] = std::string(kernels::openblas_core());
    attributes_["host_folder"] = folder_of(scenario).string();
    if (policy_.watch != nullptr) {
        attributes_[trace::kPolicyFile] = policy_.file;
        policy_.watch->set_end([this](ExitCode code, const std::string& why) { end_now(code, why); }
        );
    }
    if (resumption_ != nullptr) {
        say(terminal_.message_stream(), "{}\n", resumption_text(command_, *resumption_));
        std::fflush(terminal_.message_stream());
        // stdout finally has the text of the whole run.
        print_recorded_texts(console_, resumption_->trace, scenario_.workload.slots() > 1);
    }
}

bool RunSession::trace_ops() const {
    return resumption_ != nullptr ? resumption_->trace.header.with_ops : command_.trace_ops;
}

RunSession::~RunSession() = default;

void RunSession::configure(runtime::RunOptions& options) {
    options.policy = policy_.policy.get();
    options.sink = sink_.get();
    options.observer = &console_;
    options.attributes = attributes_;
    options.hosts = hosts_;
    if (resumption_ != nullptr && resumption_->point.intervals > 0) {
        options.resume = resumption_->point;
        options.resumed_model_hash = resumption_->model_hash;
    }
}

void RunSession::end_now(ExitCode code, const std::string& why) {
    if (sink_->has_begun()) {
        sink_->end(
            is_interrupt_code(static_cast<int>(code)) ? trace::Completion::interrupted
                                                      : trace::Completion::failed
        );
    }
    console_.finish();
    (void)report_failure(code, why, command_.json);
    std::_Exit(static_cast<int>(code));
}

void RunSession::end_console_line() {
    console_.finish();
}

/// Returns why the run ended early; empty if it was completed.
std::string why_it_ended(
    const runtime::RunOutcome& outcome, const trace::Summary& summary, const std::string& trace
) {
    if (!outcome.message.empty() || !is_interrupt_code(outcome.exit_code)) {
        return outcome.message;
    }
    if (summary.sampled_tokens > 0) {
        return fmt::format("interrupted after {} tokens", summary.sampled_tokens);
    }
    std::error_code unknown;
    return !std::filesystem::exists(trace, unknown)
               ? "interrupted before the first token: there is no trace"
               : fmt::format("interrupted before the first token; trace: {}", trace);
}

nlohmann::json trace_json(const std::filesystem::path& trace) {
    return trace.empty() ? nlohmann::json() : nlohmann::json(trace.string());
}

int RunSession::finish(const runtime::RunOutcome& outcome) {
    console_.finish();
    std::FILE* const notes = command_.json ? stderr : terminal_.message_stream();
    const trace::Summary summary = summarizer_.summary();
    const std::string why = why_it_ended(outcome, summary, trace_path_.string());
    if (summary.sampled_tokens == 0) { // there is nothing to summarise
        return report_failure(
            static_cast<ExitCode>(outcome.exit_code), why, command_.json, outcome.fields
        );
    }
    if (is_interrupt_code(outcome.exit_code)) {
        say(stderr, "headroom: {}\n", why);
    } else {
        print_error(why);
    }
    if (command_.json) {
        nlohmann::json json = summary_json(summary);
        json["trace"] = trace_json(trace_path_);
        json["exit_code"] = outcome.exit_code;
        if (!why.empty()) {
            json.update(error_json(why, outcome.fields));
        }
        if (scenario_.clock.mode == config::ClockMode::paced) {
            json["wall_ns"] = outcome.elapsed_wall;
            json["lateness_max_ns"] = outcome.lateness_max;
        }
        print_json(json);
    } else {
        say(notes, "\n{}", summary_text(summary));
        if (scenario_.clock.mode == config::ClockMode::paced) {
            say(notes,
                "\n  {:<24}{} for {} of virtual time x {:g}; at most {} late\n",
                "wall time",
                format_duration(outcome.elapsed_wall),
                format_duration(
                    summary.end - (resumption_ == nullptr ? 0 : resumption_->point.clock)
                ),
                scenario_.clock.scale,
                format_duration(outcome.lateness_max));
        }
    }
    if (!trace_path_.empty()) {
        say(notes,
            "{}trace: {}{}\n",
            command_.json ? "" : "\n",
            trace_path_.string(),
            is_interrupt_code(outcome.exit_code) ? " (interrupted, closed)" : "");
    }
    std::fflush(notes);
    return outcome.exit_code;
}

} // namespace headroom::cli
