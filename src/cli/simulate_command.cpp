#include "cli/simulate_command.hpp"

#include <algorithm>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "cli/failure.hpp"
#include "cli/interrupt.hpp"
#include "cli/run_command.hpp"
#include "cli/scenario_file.hpp"
#include "cli/summary_text.hpp"
#include "cli/text_table.hpp"
#include "runtime/simulate.hpp"
#include "trace/hdf5/writer.hpp"

namespace headroom::cli {

namespace {

/// One policy's simulation and what came of it.
struct Result {
    std::string policy;
    trace::Summary summary;
    runtime::RunOutcome outcome;
    std::filesystem::path trace;

    [[nodiscard]] bool has_tokens() const { return summary.sampled_tokens > 0; }
};

config::Scenario read(const RunCommand& run, const std::string& policy) {
    config::Overrides overrides = run.overrides;
    overrides.model_must_exist = true;
    if (!policy.empty()) {
        overrides.policy = policy;
    }
    return run.scenario.empty() ? equal_devices(run.model, run.devices, overrides)
                                : read_scenario(run.scenario, overrides);
}

std::vector<config::Scenario> read_all(const SimulateCommand& command) {
    std::vector<config::Scenario> scenarios;
    for (const std::string& policy : command.policies) {
        scenarios.push_back(read(command.run, policy));
        if (scenarios.size() > 1) {
            scenarios.back().warnings.clear(); // told with the first
        }
    }
    if (scenarios.empty()) {
        scenarios.push_back(read(command.run, ""));
    }
    return scenarios;
}

/// OUT.h5 for one policy; OUT.POLICY.h5 for each of several.
std::filesystem::path trace_of(
    std::filesystem::path path, const config::Scenario& scenario, bool several
) {
    if (several) {
        const std::string extension = path.extension().string();
        path.replace_extension();
        path += fmt::format(".{}{}", scheduler::name_of(scenario.controller.policy), extension);
    }
    return path;
}

Result simulate(const RunCommand& run, const config::Scenario& scenario) {
    Front front(run, scenario, Terminal::look(), "none", {});
    runtime::RunOptions options;
    options.scenario = &scenario;
    options.trace_ops = run.trace_ops;
    front.put_into(options);
    Result result;
    result.policy = scheduler::name_of(scenario.controller.policy);
    result.outcome = runtime::simulate(options, interrupted);
    front.leave_line();
    result.summary = front.summary();
    result.trace = front.trace_path();
    return result;
}

std::string end_of(const Result& result) {
    if (!is_interrupt(result.outcome.exit_code)) {
        return result.outcome.message;
    }
    return fmt::format("interrupted after {} tokens", result.summary.sampled_tokens);
}

nlohmann::json json_of(const Result& result) {
    nlohmann::json json =
        result.has_tokens() ? summary_json(result.summary) : nlohmann::json::object();
    json["policy"] = result.policy;
    json["exit_code"] = result.outcome.exit_code;
    if (result.has_tokens()) {
        json["trace"] = result.trace.string();
    }
    if (const std::string why = end_of(result); !why.empty()) {
        json["error"] = lines_of(why);
    }
    return json;
}

const trace::DeviceSummary& fullest(const trace::Summary& summary) {
    return *std::max_element(
        summary.devices.begin(),
        summary.devices.end(),
        [](const trace::DeviceSummary& a, const trace::DeviceSummary& b) {
            // peak/budget as a cross product: budgets may be 0.
            return static_cast<double>(a.peak_bytes) * static_cast<double>(b.budget_bytes) <
                   static_cast<double>(b.peak_bytes) * static_cast<double>(a.budget_bytes);
        }
    );
}

std::string duration_or_dash(Nanoseconds time) {
    return time < 0 ? "-" : format_duration(time);
}

std::vector<std::string> row_of(const Result& result) {
    if (!result.has_tokens()) {
        return {result.policy, "-", "-", "-", "-", "-", "-", "-", "-", "-"};
    }
    const trace::Summary& s = result.summary;
    const trace::DeviceSummary& full = fullest(s);
    return {
        result.policy,
        format_duration(s.to_first_token),
        duration_or_dash(s.per_output_token),
        duration_or_dash(s.per_output_token_p95),
        format_duration(s.end),
        fmt::format("{}", s.decisions),
        fmt::format("{}", s.blocks_moved),
        format_bytes(s.bytes_migrated + s.bytes_loaded),
        fmt::format("{} of {}", format_bytes(full.peak_bytes), format_bytes(full.budget_bytes)),
        fmt::format("{}", s.decisions_infeasible),
    };
}

void print_comparison(const std::vector<Result>& results) {
    TextTable table(
        {"policy",
         "first token",
         "per token",
         "p95",
         "total",
         "decisions",
         "moved",
         "bytes moved",
         "fullest device",
         "infeasible"}
    );
    for (const Result& result : results) {
        table.add(row_of(result));
    }
    fmt::print("{}", table.text());
    for (const Result& result : results) {
        if (const std::string why = end_of(result); !why.empty()) {
            fmt::print("\n  {}: {}\n", result.policy, why);
        }
    }
    fmt::print("\n");
    for (const Result& result : results) {
        if (result.has_tokens()) {
            fmt::print("trace: {}\n", result.trace.string());
        }
    }
}

int finish_one(const RunCommand& run, const Result& result) {
    const Terminal terminal = Terminal::look();
    const std::string why = end_of(result);
    if (!result.has_tokens()) {
        return report_failure(
            terminal, static_cast<ExitCode>(result.outcome.exit_code), why, run.json
        );
    }
    print_error(terminal, why);
    if (run.json) {
        print_json(json_of(result));
    } else {
        fmt::print("{}\ntrace: {}\n", summary_text(result.summary), result.trace.string());
    }
    return result.outcome.exit_code;
}

int finish_several(const RunCommand& run, const std::vector<Result>& results) {
    int exit_code = results.front().outcome.exit_code;
    for (const Result& result : results) {
        exit_code = result.outcome.exit_code == 0 ? 0 : exit_code;
    }
    if (is_interrupt(results.back().outcome.exit_code)) {
        exit_code = results.back().outcome.exit_code;
    }
    if (run.json) {
        nlohmann::json policies = nlohmann::json::array();
        for (const Result& result : results) {
            policies.push_back(json_of(result));
        }
        print_json({{"policies", policies}, {"exit_code", exit_code}});
    } else {
        print_comparison(results);
    }
    return exit_code;
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
        trace::check_trace_path(trace_of(base, scenario, several).string(), run.force);
    }
    std::vector<Result> results;
    for (const config::Scenario& scenario : scenarios) {
        run.trace = trace_of(base, scenario, several);
        results.push_back(simulate(run, scenario));
        if (is_interrupt(results.back().outcome.exit_code)) {
            break;
        }
    }
    const int exit_code = several ? finish_several(run, results) : finish_one(run, results.front());
    std::fflush(stdout);
    return exit_code;
}

} // namespace headroom::cli
