// Can everything be counted? Costs are products of a model's sizes with what a scenario decodes:
// each may be allowed, and their product still lie beyond 64 bits.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "scheduler/core/blocks.hpp"

namespace headroom::scheduler {

/// Bytes and operations that are counted, in all that belong together.
inline constexpr std::int64_t kMostCounted = std::int64_t{1} << 62;

/// What is more than that, one sentence each; empty: no closed form of this room overflows.
/// `longest`: tokens of the longest sequence that a cost is asked for. Precondition: a shape
/// without problems.
[[nodiscard]] std::vector<std::string> size_problems(
    const ModelShape& shape, const TurnSizes& sizes, std::int64_t longest
);

} // namespace headroom::scheduler
