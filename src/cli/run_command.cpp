#include "cli/run_command.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <iostream>
#include <unistd.h>

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "cli/failure.hpp"
#include "cli/interrupt.hpp"
#include "cli/launch.hpp"
#include "cli/roll_call.hpp"
#include "cli/scenario_file.hpp"
#include "cli/summary_text.hpp"
#include "cli/version.hpp"
#include "comm/inprocess/inprocess.hpp"
#include "model/gguf.hpp"
#include "model/weights.hpp"
#include "runtime/places.hpp"
#include "runtime/shape.hpp"
#include "trace/hdf5/writer.hpp"

namespace headroom::cli {

namespace {

/// --force replaces traces, never a scenario or a model that was named by mistake.
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

/// One copy of many would run everything, like all others.
void check_copies(const RunCommand& command) {
    if (command.transport == TransportKind::inprocess && launched_copies() > 1) {
        throw InputError(fmt::format(
            "mpirun started {} copies of headroom, but --transport inprocess runs all devices in "
            "one process, expected one copy\n"
            "  leave out mpirun, or leave out --transport inprocess for one rank per device",
            launched_copies()
        ));
    }
    if (const int copies = copies_without_mpi();
        command.transport == TransportKind::mpi && copies > 1) {
        throw InputError(fmt::format(
            "srun started {} copies of headroom that know nothing of each other, expected MPI "
            "between them\n"
            "  give: srun --mpi=pmix -n {} headroom run ...; or one copy, which starts mpirun "
            "itself; or --transport inprocess for a run in each copy",
            copies,
            copies
        ));
    }
}

bool is_several(const std::vector<std::string>& hosts) {
    return std::any_of(hosts.begin(), hosts.end(), [&](const std::string& host) {
        return host != hosts.front();
    });
}

/// Early, before ranks are started.
void check_place(const RunCommand& command) {
    trace::check_trace_path(
        (command.trace.empty() ? command.resume : command.trace).string(),
        command.trace.empty() || command.force
    );
}

/// Everything that can be wrong with a run before any device starts, told once and without MPI.
void check_model(const config::Scenario& scenario) {
    const model::GgufFile file(scenario.model_file);
    runtime::check_cut(scenario, runtime::shape_of(model::read_hyperparameters(file)));
}

int run_in_process(
    const RunCommand& command, const config::Scenario& scenario, const Resumption* resumption
) {
    Front front(command, scenario, Terminal::look(), "inprocess", {}, resumption);
    const KernelWish wish = kernels_of(command, resumption == nullptr ? "" : resumption->kernels);
    runtime::RunOutcome outcome;
    comm::InprocessFleet fleet(scenario.fleet.size());
    try {
        fleet.run([&](comm::Transport& transport) {
            // In one process nobody waits by the clock: a deadlock is seen at once.
            transport.set_options(transport_options(scenario, transport.options().deadline));
            runtime::RunOptions options;
            options.scenario = &scenario;
            options.level = wish.level;
            options.level_told = wish.told;
            options.trace_ops = front.trace_ops();
            if (transport.self() == DeviceId(0)) {
                front.put_into(options);
                outcome = runtime::run_device(options, transport);
            } else {
                (void)runtime::run_device(options, transport);
            }
        });
    } catch (const std::exception&) {
        front.leave_line();
        throw;
    }
    return front.finish(outcome);
}

} // namespace

std::filesystem::path default_trace_path(const config::Scenario& scenario) {
    const std::tm now = fmt::localtime(std::time(nullptr));
    return fmt::format("{}-{:%Y%m%d-%H%M%S}-{}.h5", scenario.name, now, getpid());
}

config::Scenario scenario_of(const RunCommand& command, bool model_must_exist) {
    config::Overrides overrides = command.overrides;
    overrides.model_must_exist = model_must_exist;
    config::Scenario scenario = command.scenario.empty()
                                    ? equal_devices(command.model, command.devices, overrides)
                                    : read_scenario(command.scenario, overrides);
    if (scenario.shape) {
        throw InputError(fmt::format(
            "{}: model {} is a shape without weights, expected a model file to run; give "
            "model.file = \"x.gguf\", or see what would happen with: headroom simulate {}",
            command.scenario.string(),
            scenario.preset.empty() ? "shape = { … }"
                                    : fmt::format("preset \"{}\"", scenario.preset),
            command.scenario.string()
        ));
    }
    return scenario;
}

KernelWish kernels_of(const RunCommand& command, const std::string& needed) {
    const char* const variable = std::getenv("HEADROOM_KERNELS");
    const std::string name = !needed.empty()            ? needed
                             : !command.kernels.empty() ? command.kernels
                             : variable != nullptr      ? variable
                                                        : "";
    if (name.empty()) {
        return {kernels::best_level(), false};
    }
    const auto level = kernels::level_named(name);
    if (!level || !kernels::available(*level)) {
        throw InputError(fmt::format(
            "kernels '{}' {}, expected one of:{}{}{}{}; change --kernels or HEADROOM_KERNELS, or "
            "leave both out for the fastest",
            name,
            level ? "do not run on this CPU" : "are unknown",
            kernels::available(kernels::Level::reference) ? " reference" : "",
            kernels::available(kernels::Level::openblas) ? " openblas" : "",
            kernels::available(kernels::Level::avx2) ? " avx2" : "",
            kernels::available(kernels::Level::avx512) ? " avx512" : ""
        ));
    }
    return {*level, true};
}

comm::Transport::Options transport_options(
    const config::Scenario& scenario, std::chrono::nanoseconds deadline
) {
    comm::Transport::Options options;
    options.deadline = deadline;
    options.interrupted = interrupted;
    if (std::getenv(kSelfStarted) != nullptr) {
        // Nobody kills us soon: the turn under way may end, however long it takes.
        options.grace = std::chrono::minutes(10);
    } else if (under_launcher() && launched_copies() == 1) {
        // srun's ranks are killed half a minute after a SIGTERM (Slurm's KillWait).
        options.grace = std::chrono::seconds(20);
    }
    options.sleep_when_idle = scenario.clock.mode == config::ClockMode::paced;
    if (options.sleep_when_idle) {
        // A paced wait lasts as long as the emulated devices take; this is for hangs only.
        options.deadline = std::max<std::chrono::nanoseconds>(deadline, std::chrono::hours(1));
    }
    for (const scheduler::DeviceSpec& device : scenario.fleet.devices) {
        options.device_names.push_back(device.name);
    }
    return options;
}

/// The file and the summary see the same rows.
class Front::Tee final : public trace::Sink {
  public:
    /// before: what of the run is in the file already; may be null.
    Tee(trace::Sink& file, trace::Sink& summary, const trace::Trace* before)
        : a_(file), b_(summary), before_(before) {}
    void begin(const trace::RunHeader& header) override {
        a_.begin(header);
        b_.begin(header);
        if (before_ != nullptr) {
            for (const trace::Interval& interval : before_->intervals) {
                b_.commit(interval);
            }
        }
    }
    void commit(const trace::Interval& interval) override {
        a_.commit(interval);
        b_.commit(interval);
    }
    void end(trace::Completion completion) override {
        a_.end(completion);
        b_.end(completion);
    }

  private:
    trace::Sink& a_;
    trace::Sink& b_;
    const trace::Trace* before_;
};

namespace {

/// Where relative paths of the scenario start.
std::filesystem::path folder_of(const config::Scenario& scenario) {
    return scenario.path.empty()
               ? std::filesystem::current_path()
               : std::filesystem::absolute(scenario.path).lexically_normal().parent_path();
}

std::filesystem::path trace_path(
    const RunCommand& command, const config::Scenario& scenario, const Resumption* resumption
) {
    if (!command.trace.empty()) {
        return command.trace;
    }
    return resumption != nullptr ? command.resume : default_trace_path(scenario);
}

/// A run that goes on replaces its own trace, and no other without being told.
std::unique_ptr<trace::Sink> file_sink(
    const RunCommand& command, const std::filesystem::path& path, const Resumption* resumption
) {
    if (resumption == nullptr) {
        return trace::make_hdf5_sink(path.string(), command.force);
    }
    if (!command.trace.empty()) {
        trace::check_trace_path(path.string(), command.force);
    }
    return trace::make_continuing_sink(path.string(), resumption->trace);
}

} // namespace

Front::Front(
    const RunCommand& command,
    const config::Scenario& scenario,
    Terminal terminal,
    std::string_view transport,
    std::vector<std::string> hosts,
    const Resumption* resumption
)
    : command_(command), scenario_(scenario), resumption_(resumption), terminal_(terminal),
      trace_path_(::headroom::cli::trace_path(command, scenario, resumption)),
      policy_(scheduler::make_policy(scenario.controller.policy)),
      file_(file_sink(command, trace_path_, resumption)),
      sink_(std::make_unique<Tee>(
          *file_, summarizer_, resumption == nullptr ? nullptr : &resumption->trace
      )),
      console_(
          terminal, scenario.workload.all_tokens(), command.text && !command.json, is_several(hosts)
      ),
      hosts_(std::move(hosts)) {
    check_overwrites_a_trace(trace_path_);
    print_notes(scenario.notes);
    print_warnings(terminal_, scenario.warnings);
    attributes_["program_version"] = HEADROOM_VERSION;
    attributes_["program_commit"] = HEADROOM_COMMIT;
    attributes_["transport"] = transport;
    attributes_["host"] = hosts_.empty() ? host_name() : runtime::hosts_text(hosts_);
    attributes_["openblas_core"] = std::string(kernels::openblas_core());
    attributes_["host_folder"] = folder_of(scenario).string();
    if (resumption_ != nullptr) {
        tell_what_was_before();
    }
}

/// The whole text stands on stdout in the end, as if the run had not been broken off.
void Front::tell_what_was_before() {
    fmt::print(terminal_.notes(), "{}\n", resumption_text(command_, *resumption_));
    std::fflush(terminal_.notes());
    for (const trace::Interval& interval : resumption_->trace.intervals) {
        for (const trace::RequestRow& request : interval.requests) {
            if (scenario_.workload.slots() > 1) {
                console_.on_text(request.sequence, request.text);
                continue;
            }
            const auto prompt = static_cast<std::size_t>(request.prompt_bytes);
            console_.on_prompt(request.text.substr(0, prompt));
            console_.on_token(request.text.substr(prompt), request.sampled_tokens);
        }
    }
}

bool Front::trace_ops() const {
    return resumption_ != nullptr ? resumption_->trace.header.with_ops : command_.trace_ops;
}

Front::~Front() = default;

void Front::put_into(runtime::RunOptions& options) {
    options.policy = policy_.get();
    options.sink = sink_.get();
    options.observer = &console_;
    options.attributes = attributes_;
    options.hosts = hosts_;
    if (resumption_ != nullptr && resumption_->point.intervals > 0) {
        options.resume = resumption_->point;
        options.resumed_model = resumption_->model_hash;
    }
}

void Front::leave_line() {
    console_.finish();
}

/// The reason for an end before the end; empty if there is none.
std::string why_it_ended(const runtime::RunOutcome& outcome, std::int64_t sampled) {
    if (!outcome.message.empty() || !is_interrupt(outcome.exit_code)) {
        return outcome.message;
    }
    return sampled == 0 ? "interrupted before the first token: there is no trace"
                        : fmt::format("interrupted after {} tokens", sampled);
}

int Front::finish(const runtime::RunOutcome& outcome) {
    console_.finish();
    std::FILE* const notes = command_.json ? stderr : terminal_.notes();
    const trace::Summary summary = summarizer_.summary();
    const std::string why = why_it_ended(outcome, summary.sampled_tokens);
    if (summary.sampled_tokens == 0) { // nothing was decoded, no trace was begun
        return report_failure(
            terminal_, static_cast<ExitCode>(outcome.exit_code), why, command_.json
        );
    }
    if (is_interrupt(outcome.exit_code)) {
        fmt::print(stderr, "headroom: {}\n", why);
    } else {
        print_error(terminal_, why);
    }
    if (command_.json) {
        nlohmann::json json = summary_json(summary);
        json["trace"] = trace_path_.string();
        json["exit_code"] = outcome.exit_code;
        if (!why.empty()) {
            json["error"] = lines_of(why);
        }
        if (scenario_.clock.mode == config::ClockMode::paced) {
            json["wall_ns"] = outcome.elapsed_wall;
            json["lateness_max_ns"] = outcome.lateness_max;
        }
        print_json(json);
    } else {
        fmt::print(notes, "\n{}", summary_text(summary));
        if (scenario_.clock.mode == config::ClockMode::paced) {
            fmt::print(
                notes,
                "\n  {:<24}{} for {} of virtual time x {:g}; at most {} late\n",
                "wall time",
                format_duration(outcome.elapsed_wall),
                format_duration(summary.end),
                scenario_.clock.scale,
                format_duration(outcome.lateness_max)
            );
        }
    }
    fmt::print(
        notes,
        "{}trace: {}{}\n",
        command_.json ? "" : "\n",
        trace_path_.string(),
        is_interrupt(outcome.exit_code) ? " (interrupted, closed)" : ""
    );
    std::fflush(notes);
    return outcome.exit_code;
}

int run_command(const RunCommand& command, std::vector<std::string> arguments) {
    check_copies(command);
    if (under_launcher() && command.transport == TransportKind::mpi) {
        return run_as_rank(command);
    }
    std::optional<Resumption> resumption;
    if (!command.resume.empty()) {
        if (has_nothing_to_resume(command)) {
            return finish_resumed(command);
        }
        RunCommand checked = command;
        checked.overrides.model_must_exist = true;
        resumption = read_resumption(checked);
    }
    const config::Scenario scenario =
        resumption ? resumption->scenario : scenario_of(command, true);
    (void)kernels_of(command, resumption ? resumption->kernels : "");
    check_model(scenario);
    if (command.transport == TransportKind::inprocess) {
        return run_in_process(command, scenario, resumption ? &*resumption : nullptr);
    }
    if (resumption) {
        check_place(command);
        return run_under_mpirun(scenario.fleet.size(), arguments);
    }
    const std::filesystem::path trace =
        command.trace.empty() ? default_trace_path(scenario) : command.trace;
    if (command.trace.empty()) {
        arguments.push_back("--trace");
        arguments.push_back(trace.string());
    }
    trace::check_trace_path(trace.string(), command.force);
    check_overwrites_a_trace(trace);
    return run_under_mpirun(scenario.fleet.size(), arguments);
}

} // namespace headroom::cli
