// How near to the optimum decisions are: what is reported about the instances of
// docs/explanation/instances.md, cell by cell, and what policy resource_aware is held to. Pure;
// bench/decision_quality makes the trials.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "scheduler/policies/policy.hpp"

namespace headroom::scheduler::testing {

/// A cell of the report; heads 8, 16 and 32 are within it.
struct QualityCell {
    std::int32_t devices = 0;
    std::int32_t layers = 0;
    double memory_factor = 0;
    bool operator==(const QualityCell&) const = default;
};

/// "3x2x1.15".
[[nodiscard]] std::string name_of(const QualityCell& cell);
/// The definition's 27, devices varying last.
[[nodiscard]] std::vector<QualityCell> all_quality_cells();
/// The heads of a seed's instance: seeds take turns, so that one seed can be repeated alone.
[[nodiscard]] std::int32_t heads_of(std::uint64_t seed);

/// What a policy said about one instance.
struct QualityAnswer {
    bool feasible = false;
    bool accepted = true; ///< by validate; true for infeasible answers
    double objective = 0; ///< seconds, evaluated again from the placement
    bool proven = false;  ///< only of exact
    std::optional<double> bound{};
    double cpu_ms = 0; ///< what deciding took
};
[[nodiscard]] QualityAnswer answer_of(const Problem& problem, const Decision& decision);

struct Trial {
    std::uint64_t seed = 0;
    std::int32_t heads = 0;
    QualityAnswer exact;
    std::vector<QualityAnswer> answers; ///< one per policy
};

/// Ratios in seconds per second. Median: the mean of the middle two if their number is even; p95:
/// the least value with at least 95 % of all at or below it. All 0 if there is nothing.
struct Distribution {
    int number = 0;
    double mean = 0;
    double median = 0;
    double p95 = 0;
    double max = 0;
    std::uint64_t worst_seed = 0; ///< the first one with the maximum
};

struct Ratio {
    double value = 0;
    std::uint64_t seed = 0;
};
[[nodiscard]] Distribution distribution_of(std::vector<Ratio> ratios);

struct PolicyQuality {
    PolicyKind policy = PolicyKind::resource_aware;
    Distribution over_optimum; ///< where exact proved its answer
    Distribution over_bound;   ///< where it did not but has a bound
    int infeasible = 0;
    int refused = 0; ///< called feasible, refused by validate
    int below = 0;   ///< below a proven optimum or bound (relative 1e-9): then exact is wrong
    double median_cpu_ms = 0;
};

struct CellQuality {
    QualityCell cell;
    int number = 0;
    int proven = 0;
    int exact_infeasible = 0;
    int exact_refused = 0;
    double exact_median_cpu_ms = 0;
    std::vector<PolicyQuality> policies;
};
[[nodiscard]] CellQuality quality_of(
    const QualityCell& cell,
    const std::vector<PolicyKind>& policies,
    const std::vector<Trial>& trials
);

/// Of the instances with at most 2 layers and 16 heads.
struct ProvenShare {
    int number = 0;
    int proven = 0;
    void add(const QualityCell& cell, const std::vector<Trial>& trials);
    [[nodiscard]] double share() const;
};

/// What resource_aware is held to, per cell, and exact over all cells.
struct QualityLimits {
    double mean = 1.02;
    double p95 = 1.05;
    double max = 1.15;
    double proven_share = 0.9;
};

/// Empty, or what resource_aware misses in this cell, and what shows that exact is wrong.
[[nodiscard]] std::vector<std::string> misses(
    const CellQuality& quality, const QualityLimits& limits = {}
);
/// Empty, or that exact proves too few; nothing to prove is no miss.
[[nodiscard]] std::vector<std::string> misses(
    const ProvenShare& share, const QualityLimits& limits = {}
);

} // namespace headroom::scheduler::testing
