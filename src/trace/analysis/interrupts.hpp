// Runs that were interrupted, and runs that went on afterwards: what the rows say of it.
#pragma once

#include <cstdint>
#include <set>
#include <vector>

#include "trace/records/trace.hpp"

namespace headroom::trace {

/// Sequences that were in flight when a signal ended the run in this interval; their request rows
/// are not those of an end.
[[nodiscard]] std::set<std::int32_t> cut_sequences(const Interval& interval);
/// Whether a signal ended the run in this interval.
[[nodiscard]] bool was_interrupted(const Interval& interval);
/// Takes the request rows of cut sequences away: they go on.
void drop_cut_requests(Interval& interval);

/// Intervals [first, last) that were one program's work.
struct Stretch {
    std::size_t first = 0;
    std::size_t last = 0;
};
/// One more than there are resumptions; at least one, which is empty if nothing was committed.
[[nodiscard]] std::vector<Stretch> stretches_of(const Trace& trace);

} // namespace headroom::trace
