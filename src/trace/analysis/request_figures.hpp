// Computes summary numbers of many requests from lists of times.
#pragma once

#include <cstdint>
#include <vector>

#include "base/units.hpp"

namespace headroom::trace {

/// Returns the percentile by the nearest-rank rule: the smallest value such that at least `percent`
/// per cent of the values are not larger. Returns -1 for an empty list. 0 < percent ≤ 100.
[[nodiscard]] Nanoseconds percentile(std::vector<Nanoseconds> values, std::size_t percent);

/// The time from `begin` (inclusive) to `end` (exclusive).
struct Span {
    Nanoseconds begin = 0;
    Nanoseconds end = 0;
};

/// Returns the largest number of spans that contain the same moment.
[[nodiscard]] std::int64_t max_overlap(const std::vector<Span>& spans);

/// The requests for which a slot was free but that had to wait, because a device lacked memory.
struct MemoryWaits {
    std::int64_t requests = 0;
    Nanoseconds longest = 0; ///< longest time from a request's first attempt to its begin
};

/// Counts the waits for memory. `found` are the times at which a request was to begin but lacked
/// memory. One wait can have several such times. `begins` are the times at which requests began.
/// Requests begin in order of arrival, so the request that lacked memory is the next one that
/// begins. If no request begins afterwards, the wait lasts until `end`.
[[nodiscard]] MemoryWaits memory_waits(
    std::vector<Nanoseconds> found, std::vector<Nanoseconds> begins, Nanoseconds end
);

} // namespace headroom::trace
