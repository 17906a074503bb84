// The output of the program decision_quality: one row per cell and policy, as text or as JSON. A
// cell is a class of random problems of one size (tests/scheduler/instances/quality.hpp).
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "tests/scheduler/instances/quality.hpp"

namespace headroom::bench {

void print_quality_header();
/// Prints a row for each policy of the cell, then one for policy `exact`.
void print_quality(const scheduler::testing::CellQuality& quality);
[[nodiscard]] nlohmann::ordered_json json_of(const scheduler::testing::CellQuality& quality);

} // namespace headroom::bench
