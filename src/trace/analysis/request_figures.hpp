// Figures over many requests: pure functions of times.
#pragma once

#include <cstdint>
#include <vector>

#include "base/units.hpp"

namespace headroom::trace {

/// The least of the values that `percent` of 100 of them do not exceed (nearest rank); -1 if there
/// are none. 0 < percent ≤ 100.
[[nodiscard]] Nanoseconds percentile(std::vector<Nanoseconds> values, std::size_t percent);

/// From `begin` inclusive to `end` exclusive.
struct Span {
    Nanoseconds begin = 0;
    Nanoseconds end = 0;
};

/// How many of the spans contain one moment, at most.
[[nodiscard]] std::int64_t most_at_once(const std::vector<Span>& spans);

/// Requests that did not begin, though they had a free slot, because memory lacked.
struct MemoryWaits {
    std::int64_t requests = 0;
    Nanoseconds longest = 0; ///< from when it was found to begin
};

/// `found`: when a request was found to wait, as often as it was looked at. Requests begin in order
/// of arrival, so the one that waited is the next of `begins`; if none follows it waits until
/// `end`.
[[nodiscard]] MemoryWaits memory_waits(
    std::vector<Nanoseconds> found, std::vector<Nanoseconds> begins, Nanoseconds end
);

} // namespace headroom::trace
