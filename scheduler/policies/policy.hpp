// The interface of policies, and the registry of all policies by kind and name.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "scheduler/core/problem.hpp"

namespace headroom::scheduler {

/// A function from a problem to a decision. It keeps no state between calls.
class Policy {
  public:
    virtual ~Policy() = default;
    [[nodiscard]] virtual std::string_view name() const = 0;
    /// Returns a feasible placement, or an infeasible decision with the reason. The result is the
    /// same for equal problems on every machine.
    [[nodiscard]] virtual Decision decide(const Problem& problem) const = 0;
    /// Returns whether `decide` also sets Decision::batch.
    [[nodiscard]] virtual bool decides_batch_size() const { return false; }
};

/// The kinds of policies. A trace stores their numbers, so new kinds are added at the end.
enum class PolicyKind : std::uint8_t {
    resource_aware,
    greedy,
    round_robin,
    static_first,
    paper,
    exact,
    dynamic_layer,
    edgeshard,
    edgeshard_throughput,
    galaxy,
    mdi_ring,
    ring,
};

/// Returns the name that scenarios, traces and the command line use: the spelling of the
/// enumerator, but `static` for static_first.
[[nodiscard]] std::string_view name_of(PolicyKind kind);
/// Returns the kind with this name, or nullopt if there is none.
[[nodiscard]] std::optional<PolicyKind> policy_named(std::string_view name);
[[nodiscard]] std::vector<std::string_view> policy_names();
[[nodiscard]] std::unique_ptr<Policy> make_policy(PolicyKind kind);

/// Returns the decision of a policy. If the policy does not choose a number of joined turns, the
/// best one for its placement is added. If the new migration or a step under the new placement
/// would never end, the previous placement is returned instead, infeasible if it does not fit.
/// Source: docs/explanation/time.md#rates-and-finish.
[[nodiscard]] Decision decide(const Policy& policy, const Problem& problem);

} // namespace headroom::scheduler
