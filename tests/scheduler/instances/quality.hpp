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
    std::optional<double> memory_factor{}; ///< none: 1.15, 1.5 and 3 by turns
    bool operator==(const QualityCell&) const = default;
};

/// Returns a text like "3x2x1.15": devices, layers and memory factor; "6x4" if factors take turns.
[[nodiscard]] std::string name_of(const QualityCell& cell);
/// Returns the 27 cells of the definition; the number of devices varies fastest.
[[nodiscard]] std::vector<QualityCell> all_quality_cells();
/// Returns the cells 6x4, 8x4, 10x8, 12x2, 25x4 and 25x8, in which memory factors take turns.
[[nodiscard]] std::vector<QualityCell> large_quality_cells();
/// Returns the heads of the problem with this seed: 8, 16 and 32 by turns. They depend on the seed
/// alone, so that one problem can be repeated.
[[nodiscard]] std::int32_t heads_of(std::uint64_t seed);
/// Returns the memory factor of the problem with this seed. If factors take turns, seeds 0 to 2
/// have 1.15, seeds 3 to 5 have 1.5, seeds 6 to 8 have 3, and so on: nine seeds in a row have each
/// factor with each number of heads.
[[nodiscard]] double memory_factor_of(const QualityCell& cell, std::uint64_t seed);
/// Returns the search nodes that `exact` may use for a problem of this cell, unless others are
/// asked for: 200 000 up to 20 devices x layers, 300 000 above.
[[nodiscard]] std::int64_t node_limit_of(const QualityCell& cell);

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
    double memory_factor = 0;
    QualityAnswer exact{};                ///< not feasible if `exact` was not asked
    std::vector<QualityAnswer> answers{}; ///< one per policy
    bool exact_asked = true;
    std::optional<double> root_bound{}; ///< seconds (scheduler/bounds/root_bound.hpp), if computed
    double root_cpu_ms = 0;
};

/// Returns the best objective of all feasible answers in seconds, which is the optimum if it is
/// proven, or infinity if no answer is feasible.
[[nodiscard]] double best_known(const Trial& trial);

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
    /// The same problems: ratio to the best objective of all answers, that of `exact` included.
    Distribution ratio_to_best_known;
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

/// An answer whose objective is far above the best of all answers to the same problem.
struct FarAnswer {
    PolicyKind policy = PolicyKind::resource_aware;
    std::uint64_t seed = 0;
    std::int32_t heads = 0;
    double memory_factor = 0;
    double ratio = 0;    ///< objective ÷ best known objective
    bool proven = false; ///< `exact` proved that the best known objective is optimal
};
/// Returns the answers with a ratio above `least`, by policy and then by seed. Precondition: as for
/// quality_of.
[[nodiscard]] std::vector<FarAnswer> far_answers(
    const std::vector<PolicyKind>& policies, const std::vector<Trial>& trials, double least
);

/// How many of the problems with at most 2 layers, 16 heads and 20 devices x layers policy `exact`
/// solves with proof.
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

/// Returns the limits of a cell: a mean of 1.01 instead of 1.02 above 20 devices x layers.
[[nodiscard]] QualityLimits limits_of(const QualityCell& cell);

/// Empty, or what resource_aware misses of the limits of this cell, and what shows that exact is
/// wrong. The limits are for problems with a proven optimum.
[[nodiscard]] std::vector<std::string> missed_limits(const CellQuality& quality);
/// Returns a sentence if `exact` proves too few answers. A share of no problems misses nothing.
[[nodiscard]] std::vector<std::string> missed_limits(
    const ProvenShare& share, const QualityLimits& limits = {}
);

} // namespace headroom::scheduler::testing
