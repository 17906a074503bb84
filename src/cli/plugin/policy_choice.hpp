// Makes the policy of a run: one of the program, or one from a file that --policy names.
#pragma once

#include <memory>
#include <string>

#include "cli/input/run_options.hpp"
#include "cli/plugin/decision_watch.hpp"
#include "config/scenario/scenario.hpp"
#include "scheduler/policies/policy.hpp"
#include "trace/records/records.hpp"

namespace headroom::cli {

/// A policy with what belongs to it for as long as it is used.
struct ChosenPolicy {
    std::shared_ptr<DecisionWatch> watch; ///< null for a policy of the program
    std::unique_ptr<scheduler::Policy> policy;
    std::string file; ///< as the user gave it; empty for a policy of the program
};

/// What to do if policy `custom` has no file; continues the sentence that says where it is named.
inline constexpr const char* kExpectPolicyFile =
    "expected the file with that policy; give --policy ./FILE.so or --policy FILE.py:FUNCTION";

/// Returns the policy in `options.file`. Throws InputError if the file cannot be used.
[[nodiscard]] ChosenPolicy load_policy(const PolicyOptions& options);

/// Throws InputError if the scenario's policy is `custom` and `options.file` is not the name of a
/// file that may hold it. Loads nothing.
void check_policy_file(const config::Scenario& scenario, const PolicyOptions& options);

/// Returns the policy of the scenario. Throws InputError if it is `custom` and `options.file` is
/// empty or cannot be used. Nothing but `options.file`, which is from the command line, ever names
/// code to load.
[[nodiscard]] ChosenPolicy choose_policy(
    const config::Scenario& scenario, const PolicyOptions& options
);

/// Returns the policy that decided in a recorded run. If it was `custom` and `options.file` is
/// empty, the result cannot be asked, but a replay takes decisions of its version as recorded.
[[nodiscard]] ChosenPolicy recorded_policy(
    const trace::RunHeader& header, const config::Scenario& scenario, const PolicyOptions& options
);

/// The version of a policy that was not loaded, which no trace has.
inline constexpr const char* kNotLoaded = "not loaded";

} // namespace headroom::cli
