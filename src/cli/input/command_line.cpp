#include "cli/input/command_line.hpp"

#include <algorithm>
#include <cstdio>
#include <limits>
#include <string_view>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/error.hpp"
#include "base/verbose.hpp"
#include "cli/input/help.hpp"
#include "cli/input/trace_options.hpp"
#include "cli/input/usage.hpp"
#include "cli/input/validators.hpp"
#include "cli/terminal/screen.hpp"
#include "cli/terminal/version.hpp"
#include "scheduler/policies/registry.hpp"

namespace headroom::cli {

namespace {

constexpr const char* kFooter =
    "exit codes: 0 fine, 2 bad input, 3 environment, 4 bug, 5 stuck, 6 infeasible, "
    "130/143 interrupted with the trace closed";

const std::vector<std::string> kCommands{
    "run", "simulate", "plan", "replay", "inspect", "export", "sweep", "collect", "help"};

/// For options whose limits src/config checks.
constexpr std::int64_t kNoLimit = std::numeric_limits<std::int64_t>::max();

/// What CLI11 stores for options that apply_options() copies into a RunCommand.
struct RunOptionValues {
    std::string transport = "mpi";
    std::string policy;
    std::string clock;
    std::vector<std::string> prompts;
    std::string prompt_file;
    std::int64_t interval = 0;
    std::int64_t tokens = 0;
    std::int64_t seed = 0;
};

/// Adds the options of all commands that read a scenario: run, simulate and plan.
void add_scenario_options(
    CLI::App& app, RunCommand& run, RunOptionValues& values, const char* policy_help
) {
    config::Overrides& change = run.overrides;
    app.add_option(
        "SCENARIO",
        run.scenario,
        "scenario file (TOML; - is standard input); see headroom help scenario"
    );
    app.add_option("--model", run.model, "instead of a scenario: a GGUF model, with --devices");
    app.add_option(
           "--devices",
           run.devices,
           "how many devices --model runs on: Raspberry Pi 5, unless --set says else"
    )
        ->check(integer_in(1, config::kMaxDevices, 4));
    app.add_option(
        "--policy",
        values.policy,
        fmt::format("{}{}", policy_help, fmt::join(scheduler::policy_names(), ", "))
    );
    app.add_option(
           "--interval",
           values.interval,
           "rounds (with one sequence in flight: tokens) between decisions"
    )
        ->check(integer_in(1, kNoLimit, 8));
    app.add_option(
           "--tokens", values.tokens, "how many tokens to generate at most, for each prompt"
    )
        ->check(integer_in(1, kNoLimit, 64));
    app.add_option(
           "--prompt", values.prompts, "a text to continue; give it again for another request"
    )
        ->type_name("TEXT")
        ->take_all()
        ->allow_extra_args(false);
    app.add_option(
        "--prompt-file",
        values.prompt_file,
        "a file whose whole content is the prompt; - is standard input"
    );
    app.add_option("--seed", values.seed, "seed of all random loads and of sampling")
        ->check(integer_in(-kNoLimit, kNoLimit, 7));
    app.add_option("--set", change.set, "any scenario key, e.g. --set device.0.memory='\"1 GiB\"'")
        ->type_name("KEY=VALUE")
        ->take_all()
        ->allow_extra_args(false);
}

void add_trace_options(CLI::App& app, RunCommand& run) {
    app.add_option("--trace", run.trace, "trace file to write (HDF5)");
    app.add_flag("--force", run.force, "overwrite an existing trace");
    app.add_flag("--trace-ops", run.trace_ops, "record every operation and message too");
}

void add_run_options(CLI::App& app, RunCommand& run, RunOptionValues& values) {
    add_scenario_options(app, run, values, "");
    app.add_option("--clock", values.clock, "virtual (default) or paced: really throttled");
    add_trace_options(app, run);
    app.add_flag("--json", run.json, "print the summary as JSON on stdout instead of the text");
    app.add_option(
           "--resume",
           run.resume,
           "go on with a run that was killed or interrupted, in its trace (or --trace OUT.h5)"
    )
        ->type_name("TRACE");
    app.add_option("--transport", values.transport, "mpi (default) or inprocess: no MPI needed")
        ->check(one_word_of({"mpi", "inprocess"}));
    app.add_option("--kernels", run.kernels, "reference, openblas, avx2, avx512 (default: best)");
    app.add_flag(kHandedOver, run.handed_over)->group(""); // hidden from the help
}

void add_simulate_options(CLI::App& app, RunCommand& run, RunOptionValues& values) {
    add_scenario_options(app, run, values, "one, several with commas between, or all: ");
    add_trace_options(app, run);
    app.add_flag("--json", run.json, "print the results as JSON");
}

void add_plan_options(CLI::App& app, PlanCommand& plan, RunOptionValues& values) {
    add_scenario_options(
        app,
        plan.run,
        values,
        "one, several with commas between, or all (default: those that apply): "
    );
    app.add_option(
           "--at",
           plan.at,
           "plan as if so many tokens of each sequence had been sampled (default: 0, or where "
           "--previous leaves off)"
    )
        ->check(integer_in(0, kNoLimit, 100));
    app.add_option(
           "--previous",
           plan.previous,
           "the placement in force, so that migrations show: a policy (its first choice), a trace "
           "(.h5), or what plan --policy P --json printed"
    )
        ->type_name("FROM");
    app.add_flag("--full", plan.full, "list every device and every move");
    app.add_flag("--json", plan.run.json, "print the plan as JSON");
}

void apply_options(const CLI::App& app, const RunOptionValues& values, RunCommand& run) {
    // A command may lack the option.
    const auto given = [&app](const char* name) {
        const CLI::Option* const option = app.get_option_no_throw(name);
        return option != nullptr && option->count() > 0;
    };
    config::Overrides& change = run.overrides;
    run.transport = values.transport == "mpi" ? TransportKind::mpi : TransportKind::inprocess;
    if (given("--policy")) {
        change.policy = values.policy;
    }
    if (given("--clock")) {
        change.clock = values.clock;
    }
    if (given("--prompt")) {
        change.prompts = values.prompts;
    }
    if (given("--prompt-file")) {
        change.prompt_file = values.prompt_file;
    }
    if (given("--interval")) {
        change.interval = values.interval;
    }
    if (given("--tokens")) {
        change.tokens = values.tokens;
    }
    if (given("--seed")) {
        change.seed = values.seed;
    }
}

void add_inspect_options(CLI::App& app, InspectCommand& inspect) {
    app.add_option("FILE", inspect.file, "trace (.h5), model (.gguf) or scenario (.toml)");
    app.add_flag(
        "--devices", inspect.devices, "the catalogue: profiles of devices, network presets"
    );
    app.add_flag("--repair", inspect.repair, "make a killed run's trace an ordinary file");
    app.add_flag("--json", inspect.json, "print as JSON");
}

/// Returns what contradicts --resume: the scenario of a resumed run comes from its trace.
std::string resume_conflict(const CLI::App& app) {
    if (app.get_option("--resume")->as<std::string>().empty()) {
        return "--resume: expected a trace (.h5), found an empty name; give one, or leave it out";
    }
    for (const char* const name :
         {"SCENARIO",
          "--devices",
          "--policy",
          "--interval",
          "--tokens",
          "--prompt",
          "--prompt-file",
          "--seed",
          "--set",
          "--trace-ops"}) {
        if (app.count(name) > 0) {
            return fmt::format(
                "--resume and {} are given, expected one of them: a run goes on with the scenario "
                "of its trace; leave out {}, or see what another would have done: headroom replay",
                name,
                name
            );
        }
    }
    return "";
}

/// Returns what is wrong with the combination of options; empty if nothing is.
std::string option_conflict(const CLI::App& app) {
    if (const CLI::Option* handed = app.get_option_no_throw(kHandedOver);
        handed != nullptr && handed->count() > 0) {
        return "";
    }
    if (const CLI::Option* resume = app.get_option_no_throw("--resume");
        resume != nullptr && resume->count() > 0) {
        return resume_conflict(app);
    }
    const bool scenario = app.count("SCENARIO") > 0;
    const bool model = app.count("--model") > 0;
    const bool devices = app.count("--devices") > 0;
    if (scenario && (model || devices)) {
        return "a scenario and --model or --devices are given, expected one or the other, not "
               "both; "
               "a scenario names its own model and devices";
    }
    if (!scenario && !(model && devices)) {
        return fmt::format(
            "{} is missing, expected a SCENARIO, or --model MODEL.gguf with --devices N; for "
            "example: headroom {} my.toml",
            model     ? "--devices"
            : devices ? "--model"
                      : fmt::format("what to {}", app.get_name()),
            app.get_name()
        );
    }
    return "";
}

std::vector<std::string> option_names(const CLI::App& app) {
    std::vector<std::string> names;
    for (const CLI::Option* option : app.get_options()) {
        if (option->get_group().empty()) {
            continue; // hidden
        }
        for (const std::string& name : option->get_lnames()) {
            names.push_back("--" + name);
        }
    }
    return names;
}

void print_topic(const CLI::App& app, const std::string& topic, const std::string& program) {
    std::vector<CommandHelp> commands;
    for (const CLI::App* const command : app.get_subcommands({})) {
        commands.push_back({command->get_name(), command->help(app.get_name())});
    }
    print_help(topic, program, commands);
    std::fflush(stdout);
}

/// Returns the name of the positional argument, for example "SCENARIO".
std::string positional_of(const CLI::App& app) {
    const auto options = app.get_options([](const CLI::Option* o) { return o->get_positional(); });
    return options.empty() ? "" : options.front()->get_name(true);
}

void check_command_word(int argc, char** argv) {
    const std::string_view first = argc > 1 ? argv[1] : "";
    if (!first.empty() && !first.starts_with('-') &&
        std::find(kCommands.begin(), kCommands.end(), first) == kCommands.end()) {
        throw_usage_error("", unknown_command(std::string(first), kCommands));
    }
}

/// Prints a short help, then throws the error, so that it is the last thing on the screen.
[[noreturn]] void throw_no_command(const CLI::App& app) {
    const std::string help = app.help();
    say(stderr, "{}\n\n", help.substr(0, help.find("\n\n")));
    throw_usage_error(
        "",
        fmt::format(
            "no command was given, expected one of: {}; for example: headroom run my.toml",
            fmt::join(kCommands, ", ")
        )
    );
}

/// Rewords an error of CLI11, whose own messages are "--tokens: 1 required INT missing",
/// "--tokens: At Most 1 required but received 2" and "Could not convert: --force = maybe".
std::string reworded(const CLI::ParseError& error) {
    const std::string text = error.what();
    const std::string option = text.substr(0, text.find(':'));
    if (dynamic_cast<const CLI::ConversionError*>(&error) != nullptr) {
        return text + "; expected another kind of value; leave it out or give one";
    }
    if (dynamic_cast<const CLI::ArgumentMismatch*>(&error) == nullptr) {
        return text; // a message of our validators
    }
    return text.find("received") == std::string::npos
               ? fmt::format("{}: expected a value after it, found none; add the value", option)
               : fmt::format("{}: expected once, found again; leave out all but one", option);
}

} // namespace

bool wants_json(int argc, char** argv) {
    return std::find(argv, argv + argc, std::string_view("--json")) != argv + argc;
}

CommandLine read_command_line(int argc, char** argv) {
    check_command_word(argc, argv);
    CommandLine line;
    CLI::App app(
        "headroom runs a language model over a fleet of emulated edge devices, partitioned at "
        "attention-head level and placed anew every few tokens",
        "headroom"
    );
    app.footer(kFooter);
    app.require_subcommand(0, 1);
    app.allow_extras();
    app.set_version_flag(
        "--version", fmt::format("headroom {} ({})", HEADROOM_VERSION, HEADROOM_COMMIT)
    );

    RunCommand run;
    RunOptionValues values;
    CLI::App& run_app = *app.add_subcommand("run", "decode on the scenario's devices");
    add_run_options(run_app, run, values);
    run_app.allow_extras();

    SimulateCommand simulate;
    RunOptionValues simulate_values;
    CLI::App& simulate_app = *app.add_subcommand(
        "simulate", "find out what a run would do, without weights; compare policies"
    );
    add_simulate_options(simulate_app, simulate.run, simulate_values);
    simulate_app.allow_extras();

    PlanCommand plan;
    RunOptionValues plan_values;
    CLI::App& plan_app = *app.add_subcommand(
        "plan", "will it fit, how fast, what holds it back: one decision per policy"
    );
    add_plan_options(plan_app, plan, plan_values);
    plan_app.allow_extras();

    InspectCommand inspect;
    CLI::App& inspect_app = *app.add_subcommand(
        "inspect", "say what is in a trace, a model, a scenario or the catalogue"
    );
    add_inspect_options(inspect_app, inspect);
    inspect_app.allow_extras();

    TraceOptions traces;
    traces.add_to(app);
    for (CLI::App* const command : app.get_subcommands({})) {
        command->add_flag_callback(
            "--verbose",
            [] { (void)setenv(kVerboseVariable, "1", 1); }, // ranks inherit it
            "errors also repeat what the libraries below say"
        );
    }

    std::string topic;
    CLI::App& help_app = *app.add_subcommand("help", "say what scenarios and commands can have");
    help_app.add_option(
        "TOPIC", topic, "scenario: every key of scenarios and sweeps; or a command: its options"
    );
    help_app.allow_extras();
    const std::string program = app.help(); // after parsing, it would be the help of the command

    CLI::App* used = &app;
    try {
        app.parse(argc, argv);
        for (CLI::App* const command :
             {&run_app, &simulate_app, &plan_app, &inspect_app, &help_app}) {
            used = command->parsed() ? command : used;
        }
        used = traces.parsed_command() != nullptr ? traces.parsed_command() : used;
    } catch (const CLI::Success& printed) { // help or version
        line.exit_code = app.exit(printed);
        return line;
    } catch (const CLI::ParseError& error) {
        throw_usage_error(argc > 1 && argv[1][0] != '-' ? argv[1] : "", reworded(error));
    }
    if (const std::vector<std::string> early = app.remaining(); !early.empty()) {
        throw_usage_error(
            "",
            fmt::format(
                "there is no option {}, expected a command and its options behind it, not before "
                "the command",
                early.front()
            )
        );
    }
    const std::string command = used == &app ? "" : used->get_name();
    if (const std::vector<std::string> rest = used->remaining(); !rest.empty()) {
        throw_usage_error(
            command, unexpected_arguments(rest, option_names(*used), positional_of(*used))
        );
    }
    if (used == &app) {
        throw_no_command(app);
    }
    if (used == &help_app) {
        print_topic(app, topic, program);
        line.exit_code = 0;
        return line;
    }
    if (used == traces.parsed_command()) {
        traces.store_command(line);
        return line;
    }
    if (used != &inspect_app) {
        if (const std::string problem = option_conflict(*used); !problem.empty()) {
            throw_usage_error(command, problem);
        }
    }
    if (used == &simulate_app) {
        if (simulate_app.count("--policy") > 0) {
            simulate.policies = policy_list(command, simulate_values.policy);
            simulate_values.policy = simulate.policies.front();
        }
        apply_options(simulate_app, simulate_values, simulate.run);
        line.simulate = simulate;
        return line;
    }
    if (used == &plan_app) {
        if (plan_app.count("--policy") > 0) {
            plan.policies = policy_list(command, plan_values.policy);
        }
        apply_options(plan_app, plan_values, plan.run);
        line.plan = plan;
        return line;
    }
    if (used == &run_app) {
        apply_options(run_app, values, run);
        line.run = run;
        return line;
    }
    if (inspect.devices && (!inspect.file.empty() || inspect.repair)) {
        throw_usage_error(
            command,
            "--devices shows the catalogue, expected nothing beside it but --json; leave out the "
            "file, or leave out --devices"
        );
    }
    if (inspect.file.empty() && !inspect.devices) {
        throw_usage_error(
            command,
            "a file is missing, expected a trace (.h5), a model (.gguf) or a scenario (.toml); for "
            "example: headroom inspect my.toml; headroom inspect --devices shows the catalogue"
        );
    }
    line.inspect = inspect;
    return line;
}

} // namespace headroom::cli
