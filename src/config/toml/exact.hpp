// From the doubles that TOML gives to exact integers and fractions, and from words to near words.
// Pure functions; nothing here knows TOML.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "scheduler/core/profile.hpp"

namespace headroom::config {

/// Largest value of any quantity in base units, before and after scales: leaves sums of a few in
/// 64 bits.
inline constexpr std::int64_t kMaxValue = 1'000'000'000'000'000'000;

/// The decimal that was written (the shortest that reads as this double) as a fraction in lowest
/// terms; nothing unless 0 < value and both parts are ≤ 10¹².
[[nodiscard]] std::optional<scheduler::Ratio> decimal_ratio(double value);

/// Rounded down, except that a value within four units in the last place of an integer is that
/// integer: "4.35 MB" is 4349999.9999999995 in binary and means 4350000. Precondition:
/// 0 ≤ value ≤ kMaxValue.
[[nodiscard]] std::int64_t whole_units(double value);

/// floor(base · ratio), or nothing if that exceeds kMaxValue. Precondition: 0 ≤ base ≤ kMaxValue.
[[nodiscard]] std::optional<std::int64_t> scaled(std::int64_t base, scheduler::Ratio ratio);

/// Nearest part per billion. Precondition: |value| < 10⁶.
[[nodiscard]] scheduler::Ppb to_ppb(double value);

/// The candidate that was probably meant: the fewest insertions, deletions, substitutions and swaps
/// of neighbours (at most a third of the word, at least one); the first of equals. Else empty.
[[nodiscard]] std::string_view nearest_word(
    std::string_view word, std::span<const std::string> candidates
);

/// "a, b, c", or the first eight "and 3 more".
[[nodiscard]] std::string shortened_list(std::span<const std::string> names);

/// The shortest decimal that reads as the same double, as a TOML float: 24.0, 1e-05, inf.
[[nodiscard]] std::string decimal_text(double value);

/// The offset of the first byte that is not part of well-formed UTF-8.
[[nodiscard]] std::optional<std::size_t> first_bad_utf8(std::string_view text);

} // namespace headroom::config
