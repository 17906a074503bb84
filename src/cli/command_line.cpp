#include "cli/command_line.hpp"

#include <iostream>
#include <map>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "base/error.hpp"
#include "cli/version.hpp"

namespace headroom::cli {

namespace {

constexpr const char* kFooter =
    "exit codes: 0 fine, 2 bad input, 3 environment, 4 bug, 5 stuck, 6 infeasible, "
    "130/143 interrupted with the trace closed\n"
    "planned, not built yet: simulate, plan, replay, export, sweep, collect";

struct RunWords {
    std::string transport = "mpi";
    std::string policy;
    std::string clock;
    std::string prompt;
    std::int64_t interval = 0;
    std::int64_t tokens = 0;
    std::int64_t seed = 0;
};

void add_run_options(CLI::App& app, RunCommand& run, RunWords& words) {
    config::Overrides& change = run.overrides;
    app.add_option("SCENARIO", run.scenario, "scenario file (TOML); see src/config/README.md");
    app.add_option("--model", run.model, "instead of a scenario: a GGUF model, with --devices");
    app.add_option("--devices", run.devices, "how many equal devices --model runs on");
    app.add_option("--policy", words.policy, "resource_aware, greedy, round_robin, static");
    app.add_option("--clock", words.clock, "virtual (default) or paced: really throttled");
    app.add_option("--interval", words.interval, "tokens from one decision to the next");
    app.add_option("--tokens", words.tokens, "how many tokens to generate at most");
    app.add_option("--prompt", words.prompt, "the text to continue");
    app.add_option("--seed", words.seed, "seed of all random loads and of sampling");
    app.add_option("--set", change.set, "any scenario key, e.g. --set device.0.memory='\"1 GiB\"'")
        ->type_name("KEY=VALUE")
        ->take_all()
        ->allow_extra_args(false);
    app.add_option("--trace", run.trace, "trace file to write (HDF5)");
    app.add_flag("--force", run.force, "overwrite an existing trace");
    app.add_flag("--trace-ops", run.trace_ops, "record every operation and message too");
    app.add_flag("--json", run.json, "print the summary as JSON on stdout instead of the text");
    app.add_option("--transport", words.transport, "mpi (default) or inprocess: no MPI needed")
        ->check(CLI::IsMember({"mpi", "inprocess"}));
    app.add_option("--kernels", run.kernels, "reference, openblas, avx2, avx512 (default: best)");
}

void take_words(const CLI::App& app, const RunWords& words, RunCommand& run) {
    const auto given = [&app](const char* name) { return app.count(name) > 0; };
    config::Overrides& change = run.overrides;
    run.transport = words.transport == "mpi" ? TransportKind::mpi : TransportKind::inprocess;
    if (given("--policy")) {
        change.policy = words.policy;
    }
    if (given("--clock")) {
        change.clock = words.clock;
    }
    if (given("--prompt")) {
        change.prompts = {words.prompt};
    }
    if (given("--interval")) {
        change.interval = words.interval;
    }
    if (given("--tokens")) {
        change.tokens = words.tokens;
    }
    if (given("--seed")) {
        change.seed = words.seed;
    }
}

/// What CLI11 cannot know: which options go together. Empty: fine.
std::string conflict(const CLI::App& app) {
    const bool scenario = app.count("SCENARIO") > 0;
    const bool model = app.count("--model") > 0;
    const bool devices = app.count("--devices") > 0;
    if (scenario && (model || devices)) {
        return "give either a SCENARIO or --model with --devices, not both";
    }
    if (!scenario && !(model && devices)) {
        return "give a SCENARIO, or --model MODEL.gguf and --devices N";
    }
    return "";
}

int complain(const CLI::App& app, const std::string& problem) {
    std::cerr << "headroom: " << problem << "\n  see: " << app.get_name() << " --help\n";
    return static_cast<int>(ExitCode::bad_input);
}

} // namespace

CommandLine read_command_line(int argc, char** argv) {
    CommandLine line;
    CLI::App app(
        "headroom runs a language model over a fleet of emulated edge devices, partitioned at "
        "attention-head level and placed anew every few tokens",
        "headroom"
    );
    app.footer(kFooter);
    app.require_subcommand(1);
    app.set_version_flag(
        "--version", fmt::format("headroom {} ({})", HEADROOM_VERSION, HEADROOM_COMMIT)
    );

    RunCommand run;
    RunWords words;
    CLI::App& run_app = *app.add_subcommand("run", "decode on the scenario's devices");
    add_run_options(run_app, run, words);

    InspectCommand inspect;
    CLI::App& inspect_app =
        *app.add_subcommand("inspect", "say what is in a trace, a model or a scenario");
    inspect_app.add_option("FILE", inspect.file, "trace (.h5), model (.gguf) or scenario (.toml)")
        ->required();
    inspect_app.add_flag("--repair", inspect.repair, "make a killed run's trace an ordinary file");
    inspect_app.add_flag("--json", inspect.json, "print as JSON");

    try {
        app.parse(argc, argv);
    } catch (const CLI::CallForHelp& help) {
        line.exit_code = app.exit(help);
        return line;
    } catch (const CLI::CallForVersion& version) {
        line.exit_code = app.exit(version);
        return line;
    } catch (const CLI::ParseError& error) {
        line.exit_code = complain(app, error.what());
        return line;
    }
    if (run_app.parsed()) {
        if (const std::string problem = conflict(run_app); !problem.empty()) {
            line.exit_code = complain(app, problem);
            return line;
        }
        take_words(run_app, words, run);
        line.run = run;
    } else {
        line.inspect = inspect;
    }
    return line;
}

} // namespace headroom::cli
