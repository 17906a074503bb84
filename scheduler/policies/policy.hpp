// The interface of policies and their names. Implementations live in policies/.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "scheduler/core/problem.hpp"

namespace headroom::scheduler {

/// A policy is a function of the problem alone; `decide` keeps no state between calls.
class Policy {
  public:
    virtual ~Policy() = default;
    [[nodiscard]] virtual std::string_view name() const = 0;
    /// A feasible placement, or feasible = false with the reason. Deterministic.
    [[nodiscard]] virtual Decision decide(const Problem& problem) const = 0;
    /// Whether `decide` has chosen how many turns are joined, too.
    [[nodiscard]] virtual bool chooses_batch() const { return false; }
};

/// A trace stores the number: new ones go to the end.
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

/// One spelling for code, TOML, command line and trace: the enumerator's, but `static`.
[[nodiscard]] std::string_view name_of(PolicyKind kind);
[[nodiscard]] std::optional<PolicyKind> policy_named(std::string_view name);
[[nodiscard]] std::vector<std::string_view> policy_names();
[[nodiscard]] std::unique_ptr<Policy> make_policy(PolicyKind kind);

/// What the policy says, with the best number of joined turns for its placement, held to the rule
/// that never loses to every finite value, and that the old placement stays if all is never
/// (docs/explanation/time.md#rates-and-finish): a migration or a step that the execution would
/// never end is not begun, whatever the cost profile thinks of it. Then the previous placement is
/// the answer, or feasible = false if that does not fit any more.
[[nodiscard]] Decision decide(const Policy& policy, const Problem& problem);

} // namespace headroom::scheduler
