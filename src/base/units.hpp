// Integer types for quantities, named after their units. Also parses quantities such as "4 GiB"
// from scenarios and formats them for output.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

namespace headroom {

using Nanoseconds = std::int64_t; ///< a duration, or a virtual time (clock of emulated devices)
using Bytes = std::int64_t;
using Flops = std::int64_t;     ///< a count of floating-point operations
using PerSecond = std::int64_t; ///< a rate: FLOP/s or bytes/s

/// The end time of work that never ends, for example at rate 0. It is later than every other time.
inline constexpr Nanoseconds kNever = std::numeric_limits<Nanoseconds>::max();
/// An infinite rate: work at this rate takes no time.
inline constexpr PerSecond kUnlimited = std::numeric_limits<PerSecond>::max();
inline constexpr Nanoseconds kSecond = 1'000'000'000;
inline constexpr double kNsPerSecond = 1e9;

enum class Quantity { bytes, compute_rate, byte_rate, duration };

/// Returns examples of the quantity for error messages: `"4 GiB" or "512 MB"`, with the quotes.
[[nodiscard]] std::string_view example_of(Quantity quantity);

/// Parses a number, optional spaces and a unit: "4 GiB", "30 GFLOP/s", "100 Mbit/s", "2 ms". Byte
/// rates may be in bit/s or B/s; a kB has 1000 bytes, a KiB 1024. Returns the amount in bytes,
/// FLOP/s, bytes/s or ns, not rounded to an integer; nothing if the text has another form.
[[nodiscard]] std::optional<double> parse_quantity(Quantity quantity, std::string_view text);

/// The following functions return texts with three significant digits: "1.50 MiB", "12.3 ms",
/// "100 Mbit/s". kNever becomes "never", and kUnlimited "unlimited".
[[nodiscard]] std::string format_bytes(Bytes bytes);
[[nodiscard]] std::string format_duration(Nanoseconds duration);
[[nodiscard]] std::string format_compute_rate(PerSecond flop_per_s);
[[nodiscard]] std::string format_byte_rate(PerSecond bytes_per_s);

} // namespace headroom
