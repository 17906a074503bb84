// Checks that the numbers of a trace are within their valid ranges. The reader of trace files
// checks each file once, because the file may be damaged or made by somebody else. Afterwards all
// code may use ids of devices, blocks and intervals, other than -1, as indices without further
// checks. Sums over many rows can still overflow 64 bits (base/saturating.hpp).
#pragma once

#include <string>
#include <vector>

#include "trace/records/trace.hpp"

namespace headroom::trace {

/// The largest valid time or duration (31 years). The sum of nine such times fits 64 bits.
inline constexpr std::int64_t kMaxTraceTime = 1'000'000'000'000'000'000;
/// The largest valid count or serial number.
inline constexpr std::int64_t kMaxTraceCount = std::int64_t{1} << 40;

/// Returns one sentence for each table of wrong size, and for each column with a number outside its
/// range: an unknown id, a code without a name, a negative or too large time or count.
[[nodiscard]] std::vector<std::string> range_errors(const Trace& trace);

/// Throws InputError ("damaged: …") with the first few range errors, if there are any.
void check_ranges(const Trace& trace);

} // namespace headroom::trace
