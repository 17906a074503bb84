// Finds in a trace where its run was interrupted by a signal and where it was resumed.
#pragma once

#include <cstdint>
#include <set>
#include <vector>

#include "trace/records/trace.hpp"

namespace headroom::trace {

/// Returns the sequences that were in flight when a signal ended the run in this interval. The
/// interval has request rows of these sequences although they have not ended.
[[nodiscard]] std::set<std::int32_t> interrupted_sequences(const Interval& interval);
[[nodiscard]] bool was_interrupted(const Interval& interval);
/// Removes the request rows of interrupted sequences. A resumed run continues these sequences.
void drop_interrupted_requests(Interval& interval);

/// The intervals with the indices [first, last).
struct IntervalRange {
    std::size_t first = 0;
    std::size_t last = 0;
};
/// Splits the intervals at every resumption: each range was written by one execution of the
/// program. There is always at least one range. If the trace has no intervals, that range is empty.
[[nodiscard]] std::vector<IntervalRange> part_ranges(const Trace& trace);

} // namespace headroom::trace
