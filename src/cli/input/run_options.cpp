#include "cli/input/run_options.hpp"

#include <fmt/format.h>

namespace headroom::cli {

namespace {

constexpr int kMaxPolicySeconds = 1'000'000;

} // namespace

void add_scenario_options(Options& options, RunCommand& run) {
    config::Overrides& change = run.overrides;
    options.add(
        "SCENARIO",
        run.scenario,
        "scenario file (TOML; - is standard input); see headroom help scenario"
    );
    options.add("--model", run.model, "instead of a scenario: a GGUF model, with --devices");
    options.add_integer(
        "--devices",
        run.devices,
        {1, config::kMaxDevices, 4},
        "how many devices --model runs on: Raspberry Pi 5, unless --set says else"
    );
    options.add_integer(
        "--interval",
        change.interval,
        {1, kNoLimit, 8},
        "rounds (with one sequence in flight: tokens) between decisions"
    );
    options.add_integer(
        "--tokens",
        change.tokens,
        {1, kNoLimit, 64},
        "how many tokens to generate at most, for each prompt"
    );
    options.add(
        "--prompt", change.prompts, "a text to continue; give it again for another request"
    );
    options.add(
        "--prompt-file",
        change.prompt_file,
        "a file whose whole content is the prompt; - is standard input"
    );
    options.add_integer(
        "--seed", change.seed, {-kNoLimit, kNoLimit, 7}, "seed of all random loads and of sampling"
    );
    options.add(
        "--set", change.set, "any scenario key, e.g. --set device.0.memory='\"1 GiB\"'", "KEY=VALUE"
    );
}

void add_own_policy_options(Options& options, PolicyOptions& own_policy) {
    options.add(
        "--policy-file",
        own_policy.file,
        "the file of the policy where the scenario names \"custom\", as in a sweep",
        "FILE"
    );
    add_policy_timeout(options, own_policy);
}

void add_policy_timeout(Options& options, PolicyOptions& own_policy) {
    options.add_integer(
        "--policy-timeout",
        own_policy.timeout_seconds,
        {1, kMaxPolicySeconds, 60},
        "how many seconds a policy in a file may take for a decision"
    );
}

void add_trace_options(Options& options, RunCommand& run) {
    options.add("--trace", run.trace, "trace file to write (HDF5)");
    options.add("--no-trace", run.no_trace, "write no trace; only print the summary");
    options.add("--force", run.force, "overwrite an existing trace");
    options.add("--trace-ops", run.trace_ops, "record every operation and message too");
}

void check_no_trace(const Options& options) {
    if (!options.is_given("--no-trace")) {
        return;
    }
    for (const char* const name : {"--trace", "--force", "--trace-ops", "--resume"}) {
        if (options.is_given(name)) {
            options.fail(fmt::format(
                "--no-trace and {} are given, expected one of them: {} needs a trace; leave out "
                "one of them",
                name,
                name
            ));
        }
    }
}

namespace {

/// Whether the option changes a resumed run. Only a policy in a file has to be given again, because
/// a trace must not name code to load.
bool changes_the_run(const Options& options, const RunCommand& run, const std::string& name) {
    return options.is_given(name) && (name != "--policy" || run.own_policy.file.empty());
}

/// The scenario of a resumed run comes from its trace.
void check_resume(const Options& options, const RunCommand& run) {
    if (run.resume.empty()) {
        options.fail("--resume: expected a trace (.h5), found an empty name; give one, or leave it "
                     "out");
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
        if (changes_the_run(options, run, name)) {
            options.fail(fmt::format(
                "--resume and {} are given, expected one of them: a run goes on with the scenario "
                "of its trace; leave out {}, or see what another would have done: headroom replay",
                name,
                name
            ));
        }
    }
}

} // namespace

void check_run_options(const Options& options, const RunCommand& run) {
    if (run.handed_over) {
        return;
    }
    check_no_trace(options);
    if (options.is_given("--resume")) {
        check_resume(options, run);
        return;
    }
    const bool model = options.is_given("--model");
    const bool devices = options.is_given("--devices");
    if (options.is_given("SCENARIO")) {
        if (model || devices) {
            options.fail("a scenario and --model or --devices are given, expected one or the "
                         "other, not both; a scenario names its own model and devices");
        }
    } else if (!model || !devices) {
        options.fail(fmt::format(
            "{} is missing, expected a SCENARIO, or --model MODEL.gguf with --devices N; for "
            "example: headroom {} my.toml",
            model     ? "--devices"
            : devices ? "--model"
                      : "what to " + options.command(),
            options.command()
        ));
    }
}

} // namespace headroom::cli
