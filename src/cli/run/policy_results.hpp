// What came of one scenario under several policies, side by side: simulations, and replays.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "cli/input/command_line.hpp"
#include "config/scenario/scenario.hpp"
#include "runtime/session/session.hpp"
#include "trace/analysis/summary.hpp"

namespace headroom::cli {

/// One policy's run and what came of it.
struct PolicyResult {
    std::string policy;
    trace::Summary summary;
    runtime::RunOutcome outcome;
    std::filesystem::path trace;

    [[nodiscard]] bool has_tokens() const { return summary.sampled_tokens > 0; }
};

/// What `act` does with a scenario without devices, watched and kept as `run` says.
[[nodiscard]] PolicyResult result_of(
    const RunCommand& run,
    const config::Scenario& scenario,
    const std::function<runtime::RunOutcome(const runtime::RunOptions&)>& act
);

/// OUT.h5 for one policy; OUT.POLICY.h5 for each of several.
[[nodiscard]] std::filesystem::path trace_path_of(
    std::filesystem::path path, const config::Scenario& scenario, bool several
);

/// Why it ended before its end; empty if it did not.
[[nodiscard]] std::string end_of(const PolicyResult& result);

[[nodiscard]] nlohmann::json json_of(const PolicyResult& result);

void print_comparison(const std::vector<PolicyResult>& results);

/// Prints all of them. Returns 0 if one came to its end, the first `given` ones left aside, else
/// the first failure's exit code; an interrupt's if there was one.
[[nodiscard]] int finish_several(
    const std::vector<PolicyResult>& results, bool json, std::size_t given = 0
);

} // namespace headroom::cli
