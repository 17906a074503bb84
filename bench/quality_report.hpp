// The output of the program decision_quality: one row per cell and policy, as text or as JSON. A
// cell is a class of random problems of one size (tests/scheduler/instances/quality.hpp).
#pragma once

#include <cstdint>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "tests/scheduler/instances/quality.hpp"

namespace headroom::bench {

/// Up to this product of devices and layers, policy `exact` is asked for its optimum or bound.
inline constexpr std::int64_t kMostForExact = 320;

void print_quality_header();
/// Prints a row for each policy of the cell, then one for policy `exact`, then one with the ratio
/// of the best known objective to the root bound. The first four figures of a row are for problems
/// with a proven optimum. The next four are for problems without, where policies are held against
/// the higher of the bound of `exact` and the root bound. Three more hold them against the best
/// known objective of these problems.
void print_quality(const scheduler::testing::CellQuality& quality);
[[nodiscard]] nlohmann::ordered_json json_of(const scheduler::testing::CellQuality& quality);

/// Prints a line for each answer, with the cell and the seed that give its problem again.
void print_far_answers(
    const scheduler::testing::QualityCell& cell,
    const std::vector<scheduler::testing::FarAnswer>& answers
);
[[nodiscard]] nlohmann::ordered_json json_of(
    const std::vector<scheduler::testing::FarAnswer>& answers
);

} // namespace headroom::bench
