#pragma once

#include <string_view>

#include "scheduler/core/problem.hpp"

namespace headroom::scheduler {

/// A function from a problem to a decision. It keeps no state between calls.
class Policy {
  public:
    virtual ~Policy() = default;
    [[nodiscard]] virtual std::string_view name() const = 0;
    /// Returns a feasible placement, or an infeasible decision with an explanation. The result is
    /// the same for equal problems on every machine.
    [[nodiscard]] virtual Decision decide(const Problem& problem) const = 0;
    /// Returns whether `decide` also sets Decision::batch.
    [[nodiscard]] virtual bool decides_batch_size() const { return false; }
};

/// Returns the decision of a policy. If the policy does not choose a number of joined turns, the
/// best one for its placement is added. If the policy does not explain a feasible decision, an
/// explanation is added. If the new migration or a step under the new placement would never end,
/// the previous placement is returned instead, infeasible if it does not fit. Source:
/// docs/explanation/time.md#rates-and-finish.
[[nodiscard]] Decision decide(const Policy& policy, const Problem& problem);

} // namespace headroom::scheduler
