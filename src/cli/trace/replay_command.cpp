// `headroom replay`: verifies a trace, or computes what would have happened under other policies.
#include <algorithm>
#include <optional>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "cli/input/commands.hpp"
#include "cli/input/file_kind.hpp"
#include "cli/input/policy_file.hpp"
#include "cli/plugin/policy_choice.hpp"
#include "cli/run/policy_results.hpp"
#include "cli/run/replay_text.hpp"
#include "cli/run/run_command.hpp"
#include "cli/run/run_session.hpp"
#include "cli/run/summary_text.hpp"
#include "cli/terminal/console.hpp"
#include "cli/terminal/interrupt.hpp"
#include "runtime/offline/recording.hpp"
#include "runtime/offline/replay.hpp"
#include "trace/analysis/parts.hpp"
#include "trace/hdf5/reader.hpp"
#include "trace/records/labels.hpp"

namespace headroom::cli {

namespace {

struct ReplayCommand {
    std::filesystem::path trace;
    std::vector<std::string> policies; ///< policies of the counterfactuals; if empty, verify
    std::vector<std::string> set;      ///< KEY=VALUE: the placement of policy `given`
    RunCommand run; ///< trace of the counterfactual (if empty, named after `trace`), and output
};

void add_replay_options(Options& options, ReplayCommand& replay) {
    options.add("TRACE", replay.trace, "trace (.h5); no model file is needed");
    options.add_policies(
        replay.policies, "what would have happened under one, several with commas between, or all: "
    );
    add_own_policy_options(options, replay.run.own_policy);
    options.add(
        "--set",
        replay.set,
        "with --policy given: its controller.placement=FILE or controller.layers=[12,8,2]",
        "KEY=VALUE"
    );
    options.add(
        "--trace", replay.run.trace, "with --policy: trace to write (several: OUT.POLICY.h5)"
    );
    options.add("--no-trace", replay.run.no_trace, "with --policy: write no trace");
    options.add("--force", replay.run.force, "overwrite existing traces");
    options.add("--trace-ops", replay.run.trace_ops, "with --policy: record every operation too");
    options.add("--json", replay.run.json, "print the result as JSON");
}

trace::Trace read(const ReplayCommand& command) {
    refuse_standard_input(command.trace, "headroom replay");
    trace::TraceFile file = trace::open_trace(command.trace.string());
    if (file.trace.header.model.empty()) {
        throw InputError(fmt::format(
            "{}: has schema version {}, expected {}: older traces do not hold the model's shape; "
            "run the scenario again (headroom inspect shows what is there)",
            command.trace.string(),
            file.schema_version,
            trace::kSchemaVersion
        ));
    }
    return std::move(file.trace);
}

/// Calls `action`. Puts the name of the trace in front of the message of an InputError.
template <class Action>
auto with_trace_name(const ReplayCommand& command, Action action) {
    try {
        return action();
    } catch (const InputError& error) {
        throw InputError(fmt::format("{}: {}", command.trace.string(), error.what()));
    }
}

config::Scenario recorded_scenario(
    const ReplayCommand& command, const trace::Trace& trace, const config::Overrides& changes
) {
    return with_trace_name(command, [&] {
        return runtime::recorded_scenario(trace.header, changes);
    });
}

/// Verifies the trace. policy: the one that decided in it.
int verify(
    const ReplayCommand& command,
    const trace::Trace& trace,
    const config::Scenario& scenario,
    const scheduler::Policy& policy
) {
    const runtime::Replay replay =
        with_trace_name(command, [&] { return runtime::replay(trace, scenario, policy); });
    const bool identical = replay.differences.empty();
    if (command.run.json) {
        print_json(replay_json(trace, replay));
    } else {
        say(stdout, "{}: {}\n", command.trace.string(), replay_text(trace, replay));
    }
    std::fflush(stdout);
    return identical ? 0 : static_cast<int>(ExitCode::bad_input);
}

/// Returns " (recorded)", with the version if another one than the program's began the run.
std::string recorded_note(const trace::Trace& trace) {
    const std::string version = trace::run_parts(trace).front().policy_version;
    const auto kind = scheduler::policy_named(trace::attribute_of(trace.header, "policy"));
    return kind && version != std::to_string(scheduler::version_of(*kind))
               ? fmt::format(" (recorded, version {})", version)
               : " (recorded)";
}

PolicyResult recorded_result(const ReplayCommand& command, const trace::Trace& trace) {
    PolicyResult result;
    result.policy = trace::attribute_of(trace.header, "policy") + recorded_note(trace);
    result.summary = trace::summary_of(trace);
    result.trace = command.trace;
    return result;
}

PolicyResult replay_under_policy(
    const ReplayCommand& command,
    const trace::Trace& trace,
    const Contender& contender,
    const std::filesystem::path& out
) {
    RunCommand run = command.run;
    run.text = false;
    run.trace = out;
    return run_policy(run, contender, [&](const runtime::RunOptions& options) {
        return with_trace_name(command, [&] {
            return runtime::replay_under(trace, options, interrupted);
        });
    });
}

/// Returns the path of a new trace. By default it is TRACE.under.POLICY.h5 in the working
/// directory.
std::filesystem::path output_path(
    const ReplayCommand& command, const std::string& policy, bool several
) {
    if (command.run.no_trace || !command.run.trace.empty()) {
        return trace_path_of(command.run.trace, policy, several);
    }
    std::filesystem::path path = command.trace.filename();
    path.replace_extension();
    path += ".under.h5";
    return trace_path_of(path, policy, true);
}

/// Throws InputError if the new trace cannot be written there. Even with --force it may not replace
/// the recorded run.
void check_out(const ReplayCommand& command, const std::filesystem::path& out) {
    std::error_code unknown;
    if (std::filesystem::equivalent(out, command.trace, unknown)) {
        throw InputError(fmt::format(
            "trace {}: is the recorded run, expected another name; give another --trace",
            out.string()
        ));
    }
    check_trace_destination(out, command.run.force);
}

int compare(const ReplayCommand& command, const trace::Trace& trace) {
    const bool several = command.policies.size() > 1;
    std::vector<Contender> all;
    for (const std::string& policy : command.policies) {
        config::Overrides changes;
        changes.policy = scenario_policy(policy);
        changes.set = command.set;
        all.push_back({policy, recorded_scenario(command, trace, changes)});
        all.back().scenario.warnings.clear(); // they were printed by the recorded run
        check_out(command, output_path(command, policy, several));
    }
    std::vector<PolicyResult> results{recorded_result(command, trace)};
    for (const Contender& contender : all) {
        results.push_back(replay_under_policy(
            command, trace, contender, output_path(command, contender.policy, several)
        ));
        if (is_interrupt_code(results.back().outcome.exit_code)) {
            break;
        }
    }
    const int exit_code = finish_comparison(results, command.run.json, 1);
    if (!command.run.json && trace.completion != trace::Completion::finished) {
        say(stdout, "\n{}\n", unfinished_note(trace));
    }
    std::fflush(stdout);
    return exit_code;
}

/// Whether the command may ask the policy that decided in the run again: it decided from a file,
/// and the command names one file and nothing to write.
bool may_name_the_recorded_policy(
    const Options& options, const ReplayCommand& command, const trace::Trace& trace
) {
    return command.policies.size() == 1 && is_policy_file(command.policies.front()) &&
           trace.header.attributes.contains(trace::kPolicyFile) && !options.is_given("--trace") &&
           !command.run.no_trace && !command.run.trace_ops;
}

/// Whether this policy, and no other version of it, decided last in the run.
bool is_recorded_policy(const trace::Trace& trace, const scheduler::Policy& policy) {
    return policy.name() == trace::attribute_of(trace.header, "policy") &&
           policy.version() == trace::run_parts(trace).back().policy_version;
}

/// Throws InputError unless every --set is about the placement of policy `given`. Other keys belong
/// to the recorded run.
void check_set(const Options& options, const ReplayCommand& command) {
    for (const std::string& set : command.set) {
        const bool known =
            set.starts_with("controller.placement") || set.starts_with("controller.layers");
        if (!known || !std::ranges::count(command.policies, "given")) {
            options.fail(fmt::format(
                "--set {}: expected controller.placement=FILE or controller.layers=LIST, with "
                "--policy given; the other keys are those of the recorded run: change them with "
                "headroom simulate",
                set
            ));
        }
    }
}

int replay(const Options& options, const ReplayCommand& command) {
    options.expect_argument("a trace (.h5)", "out.h5");
    check_no_trace(options);
    check_set(options, command);
    if (!options.is_given("--policy") && (!command.run.trace.empty() || command.run.no_trace ||
                                          command.run.trace_ops || command.run.force)) {
        options.fail("--trace, --no-trace, --trace-ops and --force are for what would have "
                     "happened, expected --policy with them; without --policy the trace is "
                     "verified and nothing is "
                     "written");
    }
    const trace::Trace trace = read(command);
    if (command.policies.empty() || may_name_the_recorded_policy(options, command, trace)) {
        const config::Scenario scenario = recorded_scenario(command, trace, {});
        PolicyOptions own = command.run.own_policy;
        own.file = command.policies.empty() ? own.file : command.policies.front();
        const ChosenPolicy chosen = recorded_policy(trace.header, scenario, own);
        if (command.policies.empty() || is_recorded_policy(trace, *chosen.policy)) {
            return verify(command, trace, scenario, *chosen.policy);
        }
    }
    return compare(command, trace);
}

} // namespace

const Command kReplay{
    "replay",
    "do the recorded decisions and times come out again; what would others have done",
    define<ReplayCommand, add_replay_options, replay>};

} // namespace headroom::cli
