// Statistics of how near to the optimum decisions are, for each cell of the random problems of
// docs/explanation/instances.md, and the limits that policies `resource_aware` and `exact` must
// keep. bench/decision_quality makes the trials.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "scheduler/policies/registry.hpp"

namespace headroom::scheduler::testing {

/// A cell of the report. It has problems with 8, 16 and 32 heads.
struct QualityCell {
    std::int32_t devices = 0;
    std::int32_t layers = 0;
    double memory_factor = 0;
    bool operator==(const QualityCell&) const = default;
};

/// Returns a text like "3x2x1.15": devices, layers and memory factor.
[[nodiscard]] std::string name_of(const QualityCell& cell);
/// Returns the 27 cells of the definition; the number of devices varies fastest.
[[nodiscard]] std::vector<QualityCell> all_quality_cells();
/// Returns the heads of the problem with this seed: 8, 16 and 32 by turns. They depend on the seed
/// alone, so that one problem can be repeated.
[[nodiscard]] std::int32_t heads_of(std::uint64_t seed);

/// The decision of a policy for one problem.
struct QualityAnswer {
    bool feasible = false;
    bool accepted = true;          ///< validate found no fault; true if infeasible
    double objective = 0;          ///< seconds, computed again from the placement
    bool proven = false;           ///< policy `exact` proved that the decision is optimal
    std::optional<double> bound{}; ///< seconds; only policy `exact` has one
    double cpu_ms = 0;             ///< CPU time of the decision
};
/// Returns the answer without its CPU time.
[[nodiscard]] QualityAnswer answer_of(const Problem& problem, const Decision& decision);

/// One problem with the answers of `exact` and of the policies that are compared with it.
struct Trial {
    std::uint64_t seed = 0;
    std::int32_t heads = 0;
    QualityAnswer exact{};                ///< not feasible if `exact` was not asked
    std::vector<QualityAnswer> answers{}; ///< one per policy
    bool exact_asked = true;
    std::optional<double> root_bound{}; ///< seconds (scheduler/bounds/root_bound.hpp), if computed
    double root_cpu_ms = 0;
};

/// Statistics of ratios. The median of an even number is the mean of the middle two. p95 is the
/// least ratio that at least 95 % of all do not exceed. All figures are 0 if there are no ratios.
struct Distribution {
    int number = 0; ///< of ratios
    double mean = 0;
    double median = 0;
    double p95 = 0;
    double max = 0;
    std::uint64_t worst_seed = 0; ///< the smallest seed with the maximum
};

/// The objective of an answer divided by the optimum or bound of the problem with this seed.
struct Ratio {
    double value = 0;
    std::uint64_t seed = 0;
};
[[nodiscard]] Distribution distribution_of(std::vector<Ratio> ratios);

/// The answers of one policy to the problems of a cell.
struct PolicyQuality {
    PolicyKind policy = PolicyKind::resource_aware;
    Distribution ratio_to_optimum; ///< problems for which `exact` proved the optimum
    Distribution ratio_to_bound;   ///< problems for which `exact` has a bound only
    /// The same problems and those for which `exact` was not asked: ratio to the higher of its
    /// bound and the root bound.
    Distribution ratio_to_best_bound;
    int infeasible = 0;
    int refused = 0; ///< feasible answers that validate refuses
    int below = 0;   ///< answers more than 1e-9 below optimum or bound, which is then wrong
    double median_cpu_ms = 0;
};

/// The answers of all policies to the problems of a cell.
struct CellQuality {
    QualityCell cell;
    int number = 0;      ///< of problems
    int exact_asked = 0; ///< problems for which `exact` was asked
    int proven = 0;      ///< answers of `exact` that are proven
    int exact_infeasible = 0;
    int exact_refused = 0;
    double exact_median_cpu_ms = 0;
    Distribution optimum_to_root; ///< proven optimum / root bound
    Distribution best_to_root;    ///< best known objective / root bound, where none is proven
    double root_median_cpu_ms = 0;
    std::vector<PolicyQuality> policies;
};
/// Precondition: every trial has one answer per policy, in the same order.
[[nodiscard]] CellQuality quality_of(
    const QualityCell& cell,
    const std::vector<PolicyKind>& policies,
    const std::vector<Trial>& trials
);

/// How many of the problems with at most 2 layers and 16 heads policy `exact` solves with proof.
struct ProvenShare {
    int number = 0; ///< of problems
    int proven = 0;
    void add(const QualityCell& cell, const std::vector<Trial>& trials);
    /// Returns 1 if there are no problems.
    [[nodiscard]] double share() const;
};

/// The largest ratios to the optimum that `resource_aware` may have in a cell, and the least share
/// of proven answers that `exact` must have over all cells.
struct QualityLimits {
    double mean = 1.02;
    double p95 = 1.05;
    double max = 1.15;
    double proven_share = 0.9;
};

/// Empty, or what resource_aware missed_limits in this cell, and what shows that exact is wrong.
[[nodiscard]] std::vector<std::string> missed_limits(
    const CellQuality& quality, const QualityLimits& limits = {}
);
/// Returns a sentence if `exact` proves too few answers. A share of no problems misses nothing.
[[nodiscard]] std::vector<std::string> missed_limits(
    const ProvenShare& share, const QualityLimits& limits = {}
);

} // namespace headroom::scheduler::testing
