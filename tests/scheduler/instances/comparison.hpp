// One policy against another on the instances of docs/explanation/instances.md: the ratio of their
// objectives.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "scheduler/policies/policy.hpp"

namespace headroom::scheduler::testing {

/// A run of instances: cells cycled over the definition, one seed each.
struct Series {
    CostProfile profile = CostProfile::physical;
    std::uint64_t first_seed = 0;
    std::uint64_t count = 200;
};

/// What a policy said about one instance.
struct Answer {
    std::uint64_t seed = 0;
    bool feasible = false;
    bool accepted = false; ///< by validate
    double objective = 0;  ///< seconds
};

[[nodiscard]] std::vector<Answer> answers(PolicyKind kind, const Series& series);

/// objective(ours) / objective(theirs) where both are feasible.
struct Comparison {
    int number = 0;
    double geometric_mean = 1.0;
    double worst = 0.0;
    double best = 0.0;
    std::uint64_t worst_seed = 0;
    int ours_infeasible = 0;   ///< where theirs is feasible
    int theirs_infeasible = 0; ///< where ours is feasible
    int rejected = 0;          ///< answers called feasible that validate refuses
};

[[nodiscard]] Comparison compare(
    const std::vector<Answer>& ours, const std::vector<Answer>& theirs
);

/// Empty, or all reasons why ours is not the better policy: a mean that is not below 1, an instance
/// more than 5 % worse, an infeasible answer where theirs is feasible, a refused placement.
[[nodiscard]] std::string complaint(const Comparison& comparison);

} // namespace headroom::scheduler::testing
