#include "cli/run/policy_results.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/input/policy_file.hpp"
#include "cli/run/run_session.hpp"
#include "cli/run/summary_text.hpp"
#include "cli/terminal/console.hpp"
#include "cli/terminal/failure.hpp"
#include "cli/terminal/interrupt.hpp"
#include "cli/terminal/text_table.hpp"

namespace headroom::cli {

PolicyResult run_policy(
    RunCommand run,
    const Contender& contender,
    const std::function<runtime::RunOutcome(const runtime::RunOptions&)>& execute
) {
    if (is_policy_file(contender.policy)) {
        run.own_policy.file = contender.policy;
    }
    RunSession run_session(run, contender.scenario, "none", {});
    runtime::RunOptions options;
    options.scenario = &contender.scenario;
    options.trace_ops = run.trace_ops;
    options.stop = interrupt_grace_expired;
    run_session.configure(options);
    PolicyResult result;
    result.policy = run_session.policy_name();
    result.outcome = execute(options);
    run_session.end_console_line();
    result.summary = run_session.summary();
    result.trace = run_session.trace_path();
    return result;
}

std::filesystem::path trace_path_of(
    std::filesystem::path path, const std::string& policy, bool several
) {
    if (several && !path.empty()) {
        const std::string extension = path.extension().string();
        path.replace_extension();
        path += fmt::format(".{}{}", label_of(policy), extension);
    }
    return path;
}

std::string early_end_reason(const PolicyResult& result) {
    if (!is_interrupt_code(result.outcome.exit_code)) {
        return result.outcome.message;
    }
    return fmt::format("interrupted after {} tokens", result.summary.sampled_tokens);
}

nlohmann::json json_of(const PolicyResult& result) {
    nlohmann::json json =
        result.has_tokens() ? summary_json(result.summary) : nlohmann::json::object();
    json["policy"] = result.policy;
    json["exit_code"] = result.outcome.exit_code;
    if (result.has_tokens()) {
        json["trace"] = trace_json(result.trace);
    }
    if (const std::string why = early_end_reason(result); !why.empty()) {
        json.update(error_json(why, result.outcome.fields));
    }
    return json;
}

namespace {

const trace::DeviceSummary& fullest_device(const trace::Summary& summary) {
    return *std::ranges::max_element(summary.devices, [](const auto& a, const auto& b) {
        return a.is_less_full_than(b);
    });
}

std::vector<std::string> row_of(const PolicyResult& result) {
    if (!result.has_tokens()) {
        return {result.policy, "-", "-", "-", "-", "-", "-", "-", "-", "-"};
    }
    const trace::Summary& s = result.summary;
    const trace::DeviceSummary& full = fullest_device(s);
    return {
        result.policy,
        format_duration(s.time_to_first_token),
        duration_or_dash(s.time_per_output_token),
        duration_or_dash(s.time_per_output_token_p95),
        format_duration(s.end),
        fmt::format("{}", s.decisions),
        fmt::format("{}", s.blocks_moved),
        format_bytes(s.bytes_migrated + s.bytes_loaded),
        fmt::format(
            "{} of {}", format_bytes(full.fullest_bytes), format_bytes(full.fullest_budget_bytes)
        ),
        fmt::format("{}", s.decisions_infeasible),
    };
}

/// Prints a table with a row per policy, followed by the reasons for early ends and the traces.
void print_comparison(const std::vector<PolicyResult>& results) {
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
    for (const PolicyResult& result : results) {
        table.add(row_of(result));
    }
    say(stdout, "{}", table.text());
    for (const PolicyResult& result : results) {
        if (const std::string why = early_end_reason(result); !why.empty()) {
            say(stdout, "\n  {}: {}\n", result.policy, why);
        }
    }
    say(stdout, "\n");
    for (const PolicyResult& result : results) {
        if (result.has_tokens() && !result.trace.empty()) {
            say(stdout, "trace: {}\n", result.trace.string());
        }
    }
}

} // namespace

int finish_comparison(const std::vector<PolicyResult>& results, bool json, std::size_t first) {
    int exit_code = results[first].outcome.exit_code;
    for (std::size_t i = first; i < results.size(); ++i) {
        exit_code = results[i].outcome.exit_code == 0 ? 0 : exit_code;
    }
    if (is_interrupt_code(results.back().outcome.exit_code)) {
        exit_code = results.back().outcome.exit_code;
    }
    if (json) {
        nlohmann::json policies = nlohmann::json::array();
        for (const PolicyResult& result : results) {
            policies.push_back(json_of(result));
        }
        print_json({{"policies", policies}, {"exit_code", exit_code}});
    } else {
        print_comparison(results);
    }
    return exit_code;
}

} // namespace headroom::cli
