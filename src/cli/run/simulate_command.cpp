// `headroom simulate`: predicts a run in virtual time without weights, for one policy or several.
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "cli/input/commands.hpp"
#include "cli/input/policy_file.hpp"
#include "cli/input/scenario_file.hpp"
#include "cli/run/policy_results.hpp"
#include "cli/run/run_command.hpp"
#include "cli/run/run_session.hpp"
#include "cli/run/summary_text.hpp"
#include "cli/terminal/failure.hpp"
#include "cli/terminal/interrupt.hpp"
#include "cli/terminal/screen.hpp"
#include "runtime/offline/simulate.hpp"
#include "runtime/setup/workload_description.hpp"

namespace headroom::cli {

namespace {

struct SimulateCommand {
    RunCommand run; ///< scenario, overrides, trace and output; transport and kernels are ignored
    std::vector<std::string> policies; ///< if empty, the scenario's policy
};

void add_simulate_options(Options& options, SimulateCommand& simulate) {
    add_scenario_options(options, simulate.run);
    options.add_policies(simulate.policies, "one, several with commas between, or all: ");
    add_own_policy_options(options, simulate.run.own_policy);
    add_trace_options(options, simulate.run);
    options.add("--json", simulate.run.json, "print the results as JSON");
}

std::vector<Contender> read_all(const SimulateCommand& command) {
    config::Overrides overrides = command.run.overrides;
    overrides.model_must_exist = true;
    std::vector<Contender> all;
    for (const std::string& policy : command.policies) {
        overrides.policy = scenario_policy(policy);
        all.push_back({policy, scenario_of(command.run, overrides)});
        if (all.size() > 1) {
            all.back().scenario.warnings.clear(); // printed with the first
            all.back().scenario.notes.clear();
        }
    }
    if (all.empty()) {
        config::Scenario scenario = scenario_of(command.run, overrides);
        std::string policy(scheduler::name_of(scenario.controller.policy));
        all.push_back({std::move(policy), std::move(scenario)});
    }
    const std::vector<std::string> notes = runtime::notes_on_costs(all.front().scenario);
    std::vector<std::string>& first = all.front().scenario.notes; // printed with the first
    first.insert(first.end(), notes.begin(), notes.end());
    return all;
}

int finish_one(const RunCommand& run, const PolicyResult& result) {
    const std::string why = early_end_reason(result);
    if (!result.has_tokens()) {
        return report_failure(
            static_cast<ExitCode>(result.outcome.exit_code), why, run.json, result.outcome.fields
        );
    }
    print_error(why);
    if (run.json) {
        print_json(json_of(result));
    } else {
        say(stdout, "{}", summary_text(result.summary));
        if (!result.trace.empty()) {
            say(stdout, "\ntrace: {}\n", result.trace.string());
        }
    }
    return result.outcome.exit_code;
}

/// Prints the results. Returns 0 if the simulation of at least one policy was completed, else the
/// exit code of the first one; if interrupted, the code of the interrupt.
int simulate(const Options& options, const SimulateCommand& command) {
    check_run_options(options, command.run);
    const std::vector<Contender> all = read_all(command);
    const bool several = all.size() > 1;
    RunCommand run = command.run;
    run.text = false;
    const std::filesystem::path base = run.no_trace ? ""
                                       : run.trace.empty()
                                           ? default_trace_path(all.front().scenario)
                                           : run.trace;
    for (const Contender& contender : all) {
        check_trace_destination(trace_path_of(base, contender.policy, several), run.force);
    }
    std::vector<PolicyResult> results;
    for (const Contender& contender : all) {
        run.trace = trace_path_of(base, contender.policy, several);
        results.push_back(run_policy(run, contender, [](const runtime::RunOptions& of_run) {
            return runtime::simulate(of_run, interrupted);
        }));
        if (is_interrupt_code(results.back().outcome.exit_code)) {
            break;
        }
    }
    const int exit_code =
        several ? finish_comparison(results, run.json) : finish_one(run, results.front());
    std::fflush(stdout);
    return exit_code;
}

} // namespace

const Command kSimulate{
    "simulate",
    "find out what a run would do, without weights; compare policies",
    define<SimulateCommand, add_simulate_options, simulate>};

} // namespace headroom::cli
