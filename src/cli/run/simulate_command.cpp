#include "cli/run/simulate_command.hpp"

#include <algorithm>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "cli/input/scenario_file.hpp"
#include "cli/run/policy_results.hpp"
#include "cli/run/run_command.hpp"
#include "cli/run/run_session.hpp"
#include "cli/run/summary_text.hpp"
#include "cli/terminal/failure.hpp"
#include "cli/terminal/interrupt.hpp"
#include "cli/terminal/screen.hpp"
#include "runtime/offline/simulate.hpp"
#include "trace/hdf5/writer.hpp"

namespace headroom::cli {

namespace {

config::Scenario read(const RunCommand& run, const std::string& policy) {
    config::Overrides overrides = run.overrides;
    overrides.model_must_exist = true;
    if (!policy.empty()) {
        overrides.policy = policy;
    }
    return run.scenario.empty() ? equal_device_scenario(run.model, run.devices, overrides)
                                : read_scenario(run.scenario, overrides);
}

std::vector<config::Scenario> read_all(const SimulateCommand& command) {
    std::vector<config::Scenario> scenarios;
    for (const std::string& policy : command.policies) {
        scenarios.push_back(read(command.run, policy));
        if (scenarios.size() > 1) {
            scenarios.back().warnings.clear(); // printed with the first
            scenarios.back().notes.clear();
        }
    }
    if (scenarios.empty()) {
        scenarios.push_back(read(command.run, ""));
    }
    return scenarios;
}

int finish_one(const RunCommand& run, const PolicyResult& result) {
    const Terminal terminal = Terminal::detect();
    const std::string why = early_end_reason(result);
    if (!result.has_tokens()) {
        return report_failure(
            terminal, static_cast<ExitCode>(result.outcome.exit_code), why, run.json
        );
    }
    print_error(terminal, why);
    if (run.json) {
        print_json(json_of(result));
    } else {
        say(stdout, "{}\ntrace: {}\n", summary_text(result.summary), result.trace.string());
    }
    return result.outcome.exit_code;
}

} // namespace

int simulate_command(const SimulateCommand& command) {
    const std::vector<config::Scenario> scenarios = read_all(command);
    const bool several = scenarios.size() > 1;
    RunCommand run = command.run;
    run.text = false;
    const std::filesystem::path base =
        run.trace.empty() ? default_trace_path(scenarios.front()) : run.trace;
    for (const config::Scenario& scenario : scenarios) {
        trace::check_trace_path(trace_path_of(base, scenario, several).string(), run.force);
    }
    std::vector<PolicyResult> results;
    for (const config::Scenario& scenario : scenarios) {
        run.trace = trace_path_of(base, scenario, several);
        results.push_back(run_policy(run, scenario, [](const runtime::RunOptions& options) {
            return runtime::simulate(options, interrupted);
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

} // namespace headroom::cli
