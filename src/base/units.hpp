// Quantities as integers with their units in the type name, and how people write and read them.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

namespace headroom {

using Nanoseconds = std::int64_t; ///< virtual time or a duration
using Bytes = std::int64_t;
using Flops = std::int64_t;     ///< a count of floating-point operations
using PerSecond = std::int64_t; ///< a rate: FLOP/s or bytes/s

/// Later than every time: an operation that does not end.
inline constexpr Nanoseconds kNever = std::numeric_limits<Nanoseconds>::max();
/// A rate that costs no time.
inline constexpr PerSecond kUnlimited = std::numeric_limits<PerSecond>::max();
inline constexpr Nanoseconds kSecond = 1'000'000'000;
inline constexpr double kNsPerSecond = 1e9;

enum class Quantity { bytes, compute_rate, byte_rate, duration };

/// What a user may write for a quantity, for error messages: `"4 GiB"` and so on.
[[nodiscard]] std::string_view example_of(Quantity quantity);

/// Parses "4 GiB", "30 GFLOP/s", "100 Mbit/s" (bytes/s come out), "2 ms" (ns come out).
/// A number, optional spaces, a unit. Byte rates take bit/s and B/s units; kB is 1000, KiB 1024.
/// Returns the value before rounding down to an integer, or nothing if text is not such a quantity.
[[nodiscard]] std::optional<double> parse_quantity(Quantity quantity, std::string_view text);

/// "1.50 MiB", "12.3 ms", "100 Mbit/s": for people; three significant digits.
[[nodiscard]] std::string format_bytes(Bytes bytes);
[[nodiscard]] std::string format_duration(Nanoseconds duration);
[[nodiscard]] std::string format_compute_rate(PerSecond flop_per_s);
[[nodiscard]] std::string format_byte_rate(PerSecond bytes_per_s);

} // namespace headroom
