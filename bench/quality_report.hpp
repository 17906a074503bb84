// The output of the program decision_quality: one row per cell and policy, as text or as JSON. A
// cell is a class of random problems of one size (tests/scheduler/instances/quality.hpp).
#pragma once

#include <cstdint>

#include <nlohmann/json_fwd.hpp>

#include "tests/scheduler/instances/quality.hpp"

namespace headroom::bench {

/// Up to this product of devices and layers, policy `exact` is asked for its optimum or bound.
inline constexpr std::int64_t kMostForExact = 320;

void print_quality_header();
/// Prints a row for each policy of the cell, then one for policy `exact`, then one with the ratio
/// of the best known objective to the root bound. The first four figures of a row are for problems
/// with a proven optimum. The others are for problems without, where policies are held against the
/// higher of the bound of `exact` and the root bound.
void print_quality(const scheduler::testing::CellQuality& quality);
[[nodiscard]] nlohmann::ordered_json json_of(const scheduler::testing::CellQuality& quality);

} // namespace headroom::bench
