// Refuses models and workloads whose costs do not fit in 64 bits. Each number of a scenario can be
// within its limit while a product of several numbers is not.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "scheduler/core/blocks.hpp"

namespace headroom::scheduler {

/// The largest total of bytes or FLOP.
inline constexpr std::int64_t kMaxCounted = std::int64_t{1} << 62;

/// Returns one sentence for each total above kMaxCounted. If there is none, no cost overflows for
/// sequences of up to `max_tokens` tokens. Precondition: shape.problems() is empty.
[[nodiscard]] std::vector<std::string> size_problems(
    const ModelShape& shape, const TurnSizes& sizes, std::int64_t max_tokens
);

} // namespace headroom::scheduler
