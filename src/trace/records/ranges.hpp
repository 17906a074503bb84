// Checks that the numbers of a trace are within their valid ranges. The reader checks each file
// once, because it may be damaged or made by somebody else. Afterwards all code may use the numbers
// as indices and add them up without further checks.
#pragma once

#include <string>
#include <vector>

#include "trace/records/trace.hpp"

namespace headroom::trace {

/// The largest valid time or duration (31 years). Sums of several such times fit 64 bits.
inline constexpr std::int64_t kMaxTraceTime = 1'000'000'000'000'000'000;
/// The largest valid count or serial number.
inline constexpr std::int64_t kMaxTraceCount = std::int64_t{1} << 40;

/// Returns one sentence for each column that has a number outside its range: ids that do not exist,
/// codes without a name, negative or too large times and counts. Also reports tables of wrong size.
[[nodiscard]] std::vector<std::string> range_errors(const Trace& trace);

/// Throws InputError ("damaged: …") with the first few range errors, if there are any.
void check_ranges(const Trace& trace);

} // namespace headroom::trace
