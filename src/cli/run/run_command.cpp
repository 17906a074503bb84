#include "cli/run/run_command.hpp"

#include <charconv>
#include <cstdlib>
#include <string_view>
#include <system_error>

#include <fmt/format.h>

#include "base/error.hpp"
#include "cli/input/commands.hpp"
#include "cli/input/file_kind.hpp"
#include "cli/input/policy_file.hpp"
#include "cli/input/scenario_file.hpp"
#include "cli/launch/handover.hpp"
#include "cli/launch/launch.hpp"
#include "cli/plugin/policy_choice.hpp"
#include "cli/run/run_session.hpp"
#include "cli/terminal/interrupt.hpp"
#include "cli/terminal/job_environment.hpp"
#include "comm/inprocess/inprocess.hpp"
#include "model/gguf/gguf.hpp"
#include "runtime/setup/prompts.hpp"
#include "runtime/setup/requests.hpp"
#include "runtime/setup/workload_description.hpp"
#include "trace/hdf5/reader.hpp"

namespace headroom::cli {

namespace {

/// Throws InputError if several copies of the program were started that would each run everything.
void check_copies(const RunCommand& command) {
    if (command.transport == TransportKind::inprocess && mpirun_copies() > 1) {
        throw InputError(fmt::format(
            "mpirun started {} copies of headroom, but --transport inprocess runs all devices in "
            "one process, expected one copy\n"
            "  leave out mpirun, or leave out --transport inprocess for one rank per device",
            mpirun_copies()
        ));
    }
    if (const int copies = srun_copies_without_mpi();
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
    if (const int copies = copies_by_another_mpi(); copies > 1) {
        throw InputError(fmt::format(
            "{} copies of headroom were started by an mpirun of another MPI (MPICH, Intel MPI or "
            "the like), expected Open MPI, which headroom is built with: each would run "
            "everything\n"
            "  give: headroom run ..., which starts mpirun itself, with Open MPI's mpirun first on "
            "the PATH (Debian: mpirun.openmpi)",
            copies
        ));
    }
}

/// Starts mpirun and passes it what this process has read and checked.
int start_ranks(const RunCommand& command, const config::Scenario& scenario, bool resumes) {
    Handover handover{command, std::nullopt};
    if (!resumes) {
        handover.scenario = scenario;
        if (command.trace.empty() && !command.no_trace) {
            handover.command.trace = default_trace_path(scenario);
        }
    }
    const bool own = handover.command.trace.empty(); // a resumed run continues its own trace
    check_trace_destination(own ? command.resume : handover.command.trace, own || command.force);
    return run_under_mpirun(scenario.fleet.size(), handover);
}

/// Checks the model before any device starts. Problems are thus reported once and without MPI.
void check_model(const config::Scenario& scenario) {
    runtime::check_prompts_are_texts(scenario.workload);
    const model::GgufFile file(scenario.model_file);
    runtime::check_cut(scenario, runtime::model_of(scenario, file));
}

int run_in_process(
    const RunCommand& command, const config::Scenario& scenario, const Resumption* resumption
) {
    RunSession run_session(command, scenario, "inprocess", {}, resumption);
    const KernelSelection selection =
        select_kernels(command, resumption == nullptr ? "" : resumption->kernels);
    const std::uint64_t scenario_hash = runtime::hash_of(scenario);
    const auto model_file = std::make_shared<const model::GgufFile>(scenario.model_file);
    runtime::RunOutcome outcome;
    comm::InprocessFleet fleet(scenario.fleet.size());
    try {
        fleet.run([&](comm::Transport& transport) {
            // The in-process transport detects deadlocks at once and needs no time limit. After an
            // interrupt, the current turn may continue for `grace`.
            transport.set_options(transport_options(scenario, transport.options().deadline));
            transport.options().grace = std::chrono::milliseconds(1500);
            runtime::RunOptions options;
            options.scenario = &scenario;
            options.scenario_hash = scenario_hash;
            options.model_file = model_file;
            options.level = selection.level;
            options.level_requested = selection.requested;
            options.trace_ops = run_session.trace_ops();
            options.stop = interrupt_grace_expired;
            if (transport.self() == DeviceId(0)) {
                run_session.configure(options);
                outcome = runtime::run_device(options, transport);
            } else {
                (void)runtime::run_device(options, transport);
            }
        });
    } catch (const InterruptedError& error) {
        outcome.exit_code = static_cast<int>(error.code()); // interrupted during a long turn
    } catch (const std::exception&) {
        run_session.end_console_line();
        throw;
    }
    return run_session.finish(outcome);
}

} // namespace

config::Scenario load_run_scenario(const RunCommand& command, bool model_must_exist) {
    config::Overrides overrides = command.overrides;
    overrides.model_must_exist = model_must_exist;
    config::Scenario scenario = scenario_of(command, overrides);
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

std::string requested_kernels(const RunCommand& command) {
    const char* const variable = std::getenv("HEADROOM_KERNELS");
    return !command.kernels.empty() ? command.kernels : variable != nullptr ? variable : "";
}

KernelSelection select_kernels(const RunCommand& command, const std::string& needed) {
    const std::string name = needed.empty() ? requested_kernels(command) : needed;
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

std::chrono::nanoseconds silence_limit() {
    const char* const variable = std::getenv("HEADROOM_SILENCE");
    if (variable == nullptr) {
        return comm::Transport::Options().silence;
    }
    const std::string_view text = variable;
    int seconds = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
    if (error != std::errc() || end != text.data() + text.size() || seconds < 0) {
        throw InputError(fmt::format(
            "HEADROOM_SILENCE is '{}', expected whole seconds after which a rank without a sign of "
            "life ends the run; 0: never; or leave it out for 30",
            text
        ));
    }
    return std::chrono::seconds(seconds);
}

comm::Transport::Options transport_options(
    const config::Scenario& scenario, std::chrono::nanoseconds deadline
) {
    comm::Transport::Options options;
    options.deadline = deadline;
    options.silence = silence_limit();
    options.interrupted = interrupted;
    if (std::getenv(kStartedByHeadroom) != nullptr) {
        // The launching process waits, so the current turn may end even if it takes long.
        options.grace = std::chrono::minutes(10);
    } else if (is_launched_rank() && mpirun_copies() == 1) {
        // Slurm kills ranks about 30 s after a SIGTERM (KillWait).
        options.grace = std::chrono::seconds(20);
    }
    options.sleep_when_idle = scenario.clock.mode == config::ClockMode::paced;
    if (options.sleep_when_idle) {
        // A paced wait takes as long as the emulated devices do; the limit only ends hangs.
        options.deadline = std::max<std::chrono::nanoseconds>(deadline, std::chrono::hours(1));
    }
    for (const scheduler::DeviceSpec& device : scenario.fleet.devices) {
        options.device_names.push_back(device.name);
    }
    return options;
}

namespace {

void add_run_options(Options& options, RunCommand& run) {
    add_scenario_options(options, run);
    options.add_text(
        "--policy",
        [&run](const std::string& text) {
            run.overrides.policy = scenario_policy(text);
            run.own_policy.file = is_policy_file(text) ? text : "";
        },
        fmt::format("{}, or a file with a policy of your own (.so, .py:FUNCTION)", all_policies()),
        "TEXT"
    );
    add_own_policy_options(options, run.own_policy);
    options.add("--clock", run.overrides.clock, "virtual (default) or paced: really throttled");
    add_trace_options(options, run);
    options.add("--json", run.json, "print the summary as JSON on stdout instead of the text");
    options.add(
        "--resume",
        run.resume,
        "go on with a run that was killed or interrupted, in its trace (or --trace OUT.h5)",
        "TRACE"
    );
    options.add_choice(
        "--transport",
        {"mpi", "inprocess"},
        [&run](const std::string& name) {
            run.transport = name == "mpi" ? TransportKind::mpi : TransportKind::inprocess;
        },
        "mpi (default) or inprocess: no MPI needed"
    );
    options.add("--kernels", run.kernels, "reference, openblas, avx2, avx512 (default: best)");
    options.add(kHandedOver, run.handed_over, ""); // hidden from the help
}

/// Executes the command and returns the exit code. Throws an Error if the run cannot start or
/// fails.
int run_scenario(const Options& options, const RunCommand& command) {
    check_run_options(options, command);
    check_copies(command);
    if (is_launched_rank() && command.transport == TransportKind::mpi) {
        return run_as_rank(command);
    }
    if (command.handed_over) {
        throw InputError(fmt::format(
            "{} is for ranks that headroom starts, expected none of it from users: give headroom "
            "run SCENARIO",
            kHandedOver
        ));
    }
    std::optional<Resumption> resumption;
    if (!command.resume.empty()) {
        refuse_standard_input(command.resume, "--resume");
        trace::TraceFile file = trace::open_trace(command.resume.string());
        if (is_complete(file)) {
            return finish_complete_run(command, file);
        }
        RunCommand checked = command;
        checked.overrides.model_must_exist = true;
        resumption = prepare_resumption(checked, std::move(file));
    }
    const config::Scenario scenario =
        resumption ? resumption->scenario : load_run_scenario(command, true);
    check_policy_file(scenario, command.own_policy);
    (void)select_kernels(command, resumption ? resumption->kernels : "");
    check_model(scenario);
    if (command.transport == TransportKind::inprocess) {
        return run_in_process(command, scenario, resumption ? &*resumption : nullptr);
    }
    return start_ranks(command, scenario, resumption.has_value());
}

} // namespace

const Command kRun{
    "run", "decode on the scenario's devices", define<RunCommand, add_run_options, run_scenario>};

} // namespace headroom::cli
