// Compares two policies on the random problems of docs/explanation/instances.md by the ratio of
// their objectives.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "scheduler/policies/registry.hpp"

namespace headroom::scheduler::testing {

/// A series of random problems with consecutive seeds. The problem of seed i is of cell_at(i).
struct InstanceSeries {
    CostProfile profile = CostProfile::physical;
    std::uint64_t first_seed = 0;
    std::uint64_t count = 200;
};

/// The decision of a policy for one problem.
struct Answer {
    std::uint64_t seed = 0;
    bool feasible = false;
    bool accepted = false; ///< validate found no fault in the placement
    double objective = 0;  ///< seconds
};

/// Returns the answers of a policy to all problems of the series, by increasing seed.
[[nodiscard]] std::vector<Answer> answers(PolicyKind kind, const InstanceSeries& series);

/// The ratios objective(ours) / objective(theirs), over the problems for which both are feasible.
struct Comparison {
    int number = 0; ///< of ratios
    double geometric_mean = 1.0;
    double worst = 0.0;
    double best = 0.0;
    std::uint64_t worst_seed = 0;
    int ours_infeasible = 0;   ///< problems for which only theirs is feasible
    int theirs_infeasible = 0; ///< problems for which only ours is feasible
    int rejected = 0;          ///< feasible answers of either policy that validate refuses
};

/// Precondition: both have answers to the same problems in the same order.
[[nodiscard]] Comparison compare(
    const std::vector<Answer>& ours, const std::vector<Answer>& theirs
);

/// Returns all reasons why ours is not the better policy, or an empty text. A reason is a geometric
/// mean of at least 1, a problem on which ours is more than 5 % worse, a problem for which only
/// theirs is feasible, or a refused placement.
[[nodiscard]] std::string complaint(const Comparison& comparison);

} // namespace headroom::scheduler::testing
