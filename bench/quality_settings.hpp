// The command lines of the programs decision_quality and ablation: which problems they draw, and
// which policies decision_quality asks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "bench/arguments.hpp"
#include "tests/scheduler/instances/instances.hpp"
#include "tests/scheduler/instances/quality.hpp"

namespace headroom::bench {

inline constexpr std::string_view kQualityUsage =
    "usage: decision_quality [--profile physical|paper] [--granularity paper|sliced] [--slices S]\n"
    "         [--count N] [--seed FIRST] [--cells 3x2x1.15,...] [--policy P,...]\n"
    "         [--heads H] [--effort E] [--node-limit L] [--root-bound] [--above R]\n"
    "         [--jobs J] [--json]\n"
    "  N instances (100) of each cell devices x layers x memory factor with the seeds FIRST\n"
    "  (0) and up; seeds take turns with 8, 16 and 32 heads, or all have H. In a cell without\n"
    "  a factor, as 6x4, seeds take turns with the factors 1.15, 1.5 and 3, too, so that nine\n"
    "  seeds in a row have each factor with each number of heads. Two names stand for\n"
    "  built-in cells: small, 27 cells of 3 to 5 devices and 1 to 4 layers (the default), and\n"
    "  large, the cells 6x4, 8x4, 10x8, 12x2, 25x4 and 25x8. P: resource_aware, by default.\n"
    "  S: 8 by default. E: multiplies the limits on the work of resource_aware (1). L: search\n"
    "  nodes of exact (200000; 300000 in cells of more than 20 devices x layers). J: threads,\n"
    "  one per core. exact is not asked for more than 320\n"
    "  devices x layers. The root bound is computed where exact has proven no optimum, with\n"
    "  --root-bound for all instances. With --above R every answer is listed whose objective\n"
    "  is more than R times the best known.\n"
    "  One instance again: --cells CELL --seed SEED --count 1.\n";

/// The options that choose problems, with their defaults.
struct ProblemSettings {
    scheduler::CostProfile profile = scheduler::CostProfile::physical;
    scheduler::Granularity granularity = scheduler::Granularity::paper;
    std::int32_t slices = 8;
    std::vector<scheduler::testing::QualityCell> cells;
    std::size_t count = 100;
    std::uint64_t first_seed = 0;
    std::int32_t heads = 0; ///< 0: 8, 16 and 32 by turns
    double effort = 1.0;    ///< Problem::effort
    std::size_t jobs = 1;
};

/// The options of decision_quality, with their defaults.
struct QualitySettings : ProblemSettings {
    std::vector<scheduler::PolicyKind> policies;
    std::optional<std::int64_t> node_limit; ///< none: that of each cell (testing::node_limit_of)
    std::optional<double> above; ///< list answers with more than this ratio to the best known
    bool root_bound = false;     ///< compute the root bound of every instance
    bool json = false;
};

/// Throws BadArgument if an option is unknown or has a value that makes no sense.
[[nodiscard]] ProblemSettings problem_settings_of(int argc, char** argv);
/// Returns the problem of this cell and seed.
[[nodiscard]] scheduler::testing::Instance instance_of(
    const ProblemSettings& settings, const scheduler::testing::QualityCell& cell, std::uint64_t seed
);

/// Throws BadArgument if an option is unknown or has a value that makes no sense.
[[nodiscard]] QualitySettings quality_settings_of(int argc, char** argv);
/// Returns the search nodes that `exact` may use in this cell.
[[nodiscard]] std::int64_t node_limit_of(
    const QualitySettings& settings, const scheduler::testing::QualityCell& cell
);

} // namespace headroom::bench
