// The list of all policies, and their names.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "scheduler/policies/policy.hpp"

namespace headroom::scheduler {

/// The index of a policy in the table of registry.cpp. Traces store this index, so new policies are
/// added at the end of the table. An enumerator only gives such an index a name for other code; a
/// policy that no other code names works without an enumerator.
enum class PolicyKind : std::uint8_t {
    resource_aware,
    greedy,
    round_robin,
    static_first, ///< the name of this policy is `static`, which is a keyword of C++
    paper,
    exact,
    dynamic_layer,
    edgeshard,
    edgeshard_throughput,
    galaxy,
    mdi_ring,
    ring,
    custom, ///< a policy that is not part of the program (custom.hpp)
    given,  ///< the placement of the scenario (core/given_placement.hpp)
};

/// Returns the name that scenarios, traces and the command line use.
[[nodiscard]] std::string_view name_of(PolicyKind kind);
/// Returns a clause that says what the policy does, for users who choose a policy.
[[nodiscard]] std::string_view summary_of(PolicyKind kind);
/// Returns the version of the policy, at least 1; see Policy::version() and registry.cpp.
[[nodiscard]] int version_of(PolicyKind kind);
[[nodiscard]] std::optional<PolicyKind> policy_named(std::string_view name);
/// Returns the names of all policies, in the order of PolicyKind.
[[nodiscard]] std::vector<std::string_view> policy_names();
/// Returns whether the policy needs nothing but a problem. The others need an input of the user.
[[nodiscard]] bool needs_only_a_problem(PolicyKind kind);
/// Returns the names of the policies that need nothing but a problem, in the order of PolicyKind.
[[nodiscard]] std::vector<std::string_view> policies_for_any_problem();
/// Returns the policy. Precondition: its kind is not `custom`.
[[nodiscard]] std::unique_ptr<Policy> make_policy(PolicyKind kind);

} // namespace headroom::scheduler
