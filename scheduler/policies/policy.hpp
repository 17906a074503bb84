#pragma once

#include <string>
#include <string_view>

#include "scheduler/core/problem.hpp"

namespace headroom::scheduler {

/// A function from a problem to a decision. It keeps no state between calls.
class Policy {
  public:
    virtual ~Policy() = default;
    [[nodiscard]] virtual std::string_view name() const = 0;
    /// Returns a text that changes whenever `decide` may give another answer to the same problem: a
    /// number, or for a policy that is not part of the program a hash of its files. Traces have it.
    [[nodiscard]] virtual std::string version() const { return "1"; }
    /// Returns a feasible placement, or an infeasible decision with an explanation. The result is
    /// the same for equal problems on every machine.
    [[nodiscard]] virtual Decision decide(const Problem& problem) const = 0;
    /// Returns whether `decide` also chooses Decision::batch, the number of turns per batch.
    [[nodiscard]] virtual bool decides_batch_size() const { return false; }
};

/// Asks the policy for a decision and completes it. If the policy chooses no batch size, the
/// function sets the best one for the placement. If the policy does not explain its decision, the
/// function does. If the migration or a step under the new placement would never end, because a
/// device or link is down, the function returns a decision for the previous placement instead. This
/// decision is infeasible if the previous placement is not feasible any more. See
/// docs/explanation/time.md#rates-and-finish.
[[nodiscard]] Decision decide(const Policy& policy, const Problem& problem);

} // namespace headroom::scheduler
