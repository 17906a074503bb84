// What the numbers of a trace may be. A file that nobody vouches for is checked once, when it has
// been read, so that whoever uses the trace may index, count and add up without looking again.
#pragma once

#include <string>
#include <vector>

#include "trace/records/trace.hpp"

namespace headroom::trace {

/// No moment and no duration is longer (31 years), so that sums and differences of some fit 64
/// bits.
inline constexpr std::int64_t kLatestTime = 1'000'000'000'000'000'000;
/// No count and no running number is larger.
inline constexpr std::int64_t kMostCounted = std::int64_t{1} << 40;

/// One sentence per column that has a number outside its range: ids that are not there, codes
/// without a name, times and counts that are negative or beyond all bounds. Empty: none.
[[nodiscard]] std::vector<std::string> out_of_range(const Trace& trace);

/// Throws InputError, "damaged: …", with the first few of these.
void check_ranges(const Trace& trace);

} // namespace headroom::trace
