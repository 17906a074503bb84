// Refuses models and workloads whose costs do not fit in 64 bits. This can happen although each
// number of a scenario is within its own limit, because costs are products of several numbers.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "scheduler/core/blocks.hpp"

namespace headroom::scheduler {

/// The largest total of bytes or FLOP that is accepted.
inline constexpr std::int64_t kMaxCounted = std::int64_t{1} << 62;

/// Returns one sentence for each total (such as the bytes of all weights) that exceeds kMaxCounted.
/// If the result is empty, no cost overflows for sequences of up to `max_tokens` tokens.
/// Precondition: shape.problems() is empty.
[[nodiscard]] std::vector<std::string> size_problems(
    const ModelShape& shape, const TurnSizes& sizes, std::int64_t max_tokens
);

} // namespace headroom::scheduler
