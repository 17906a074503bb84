// The results of one scenario under one or several policies, and their comparison, for `headroom
// simulate` and `headroom replay --policy`.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "cli/input/run_options.hpp"
#include "config/scenario/scenario.hpp"
#include "runtime/session/session.hpp"
#include "trace/analysis/summary.hpp"

namespace headroom::cli {

struct PolicyResult {
    std::string policy;
    trace::Summary summary;
    runtime::RunOutcome outcome;
    std::filesystem::path trace; ///< the trace that the run has written; empty if none

    [[nodiscard]] bool has_tokens() const { return summary.sampled_tokens > 0; }
};

/// The scenario under one policy.
struct Contender {
    std::string policy; ///< as --policy has it
    config::Scenario scenario;
};

/// Calls `execute`, which computes the times of the scenario without decoding, and returns the
/// result. The options in `run` name the trace to write and say what is printed.
[[nodiscard]] PolicyResult run_policy(
    RunCommand run,
    const Contender& contender,
    const std::function<runtime::RunOutcome(const runtime::RunOptions&)>& execute
);

/// Returns the path of the trace for a policy: `path` itself or, if `several` policies are run,
/// OUT.POLICY.h5 for OUT.h5. policy: as --policy has it, see label_of().
[[nodiscard]] std::filesystem::path trace_path_of(
    std::filesystem::path path, const std::string& policy, bool several
);

/// Returns why the run ended early; empty if it was completed.
[[nodiscard]] std::string early_end_reason(const PolicyResult& result);

/// Returns the summary with the policy, the exit code, the trace and the reason for an early end.
[[nodiscard]] nlohmann::json json_of(const PolicyResult& result);

/// Prints all results and returns the exit code. If an interrupt ended the last run, returns the
/// code of that run. Otherwise returns 0 if any run from index `first` on is complete, and the code
/// of run `first` if none is. Runs before `first` are only printed for comparison.
[[nodiscard]] int finish_comparison(
    const std::vector<PolicyResult>& results, bool json, std::size_t first = 0
);

} // namespace headroom::cli
