// Holds the decision of a policy against those of all other policies for the same problem, by the
// objective of scheduler/timing/evaluate.hpp. docs/explanation/instances.md#never-behind states the
// rule.
#pragma once

#include <string>
#include <vector>

#include "scheduler/core/problem.hpp"
#include "scheduler/policies/policy.hpp"

namespace headroom::support {

/// What one policy answered.
struct PolicyRow {
    std::string name;
    bool feasible = false; ///< whether it has a placement that fits in the memory that counts
    double objective_s = 0;
};

/// The name of the row of keeping the previous placement.
inline constexpr const char* kStay = "stay";

struct Comparison {
    PolicyRow ours;
    /// All policies of the registry save `exact` and `resource_aware`, in the registry's order, and
    /// the row kStay if there is a previous placement.
    std::vector<PolicyRow> others;
    std::string fault; ///< what is wrong with our decision itself: "" or a sentence
    /// Returns the best feasible row of the others, or null.
    [[nodiscard]] const PolicyRow* best() const;
    /// Returns ours / best, or 1 if one of them is infeasible or best is infinite.
    [[nodiscard]] double ratio() const;
};

/// Asks `ours` and all others. If the problem has safe memory, the others may use as much memory as
/// a cautious policy allows itself: the safe memory; if nobody finds a placement within it, half of
/// the rest too, and at last all. The row kStay may always use all memory.
[[nodiscard]] Comparison compare_with_all(
    const scheduler::Policy& ours, const scheduler::Problem& problem
);

/// Returns why ours is behind: the placement is refused by `validate`, the objective is not that of
/// the placement, another policy has a placement and ours has none, or another objective is lower.
/// Returns "" if it is not behind.
[[nodiscard]] std::string complaint(const Comparison& comparison);

/// Returns the rows as a table of text, best first.
[[nodiscard]] std::string table(const Comparison& comparison);

} // namespace headroom::support
