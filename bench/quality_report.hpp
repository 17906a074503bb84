// The report of decision_quality: one row per cell and policy, as text or as JSON.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "tests/scheduler/instances/quality.hpp"

namespace headroom::bench {

void print_quality_head();
/// The rows of a cell: its policies, then exact.
void print_quality(const scheduler::testing::CellQuality& quality);
[[nodiscard]] nlohmann::ordered_json json_of(const scheduler::testing::CellQuality& quality);

} // namespace headroom::bench
