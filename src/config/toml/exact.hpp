// Pure functions that do not depend on TOML. They convert doubles to exact integers and fractions,
// suggest the words that misspelt words probably mean, and check texts.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "scheduler/rates/profile.hpp"

namespace headroom::config {

/// The largest value of any quantity in base units (bytes, FLOP/s, bytes/s, ns). A sum of a few
/// such values still fits in 64 bits.
inline constexpr std::int64_t kMaxValue = 1'000'000'000'000'000'000;

/// Returns the shortest decimal that is parsed as this double, as a fraction in lowest terms.
/// Returns nothing if value ≤ 0 or not finite, or if the numerator or the denominator exceeds 10¹².
[[nodiscard]] std::optional<scheduler::Ratio> decimal_ratio(double value);

/// Returns the value rounded down. A value whose relative distance from an integer is at most
/// 4·2⁻⁵² becomes that integer, because so small a distance comes from rounding: "4.35 MB" is read
/// as the double 4349999.9999999995 and means 4350000. Precondition: 0 ≤ value ≤ kMaxValue.
[[nodiscard]] std::int64_t whole_units(double value);

/// Returns floor(base · ratio), or nothing if that exceeds kMaxValue. Precondition:
/// 0 ≤ base ≤ kMaxValue.
[[nodiscard]] std::optional<std::int64_t> scaled(std::int64_t base, scheduler::Ratio ratio);

/// Returns the value in parts per billion, rounded to nearest. Precondition: |value| < 10⁶.
[[nodiscard]] scheduler::Ppb to_ppb(double value);

/// Returns the value as a decimal: "0.25" for 250 million parts per billion.
[[nodiscard]] std::string ppb_text(scheduler::Ppb value);

/// Returns the candidate that was probably meant: the first of those with the smallest edit
/// distance (insertions, deletions, substitutions, swaps of neighbouring bytes). Returns "" if even
/// the smallest distance is too large: above 1 for words of up to 5 bytes, else above a third of
/// the word's length. Also returns "" for words of more than 64 bytes.
[[nodiscard]] std::string_view nearest_word(
    std::string_view word, std::span<const std::string> candidates
);

/// Returns `did you mean "a"?` if nearest_word() finds a candidate "a", and `otherwise` if it finds
/// none.
[[nodiscard]] std::string suggestion(
    std::string_view word,
    std::span<const std::string> candidates,
    const std::string& otherwise,
    char quote = '"'
);

/// Returns "a, b, c"; if there are more than eight names, the first eight and "and 3 more".
[[nodiscard]] std::string shortened_list(std::span<const std::string> names);

/// Returns the shortest TOML float that is parsed as this double: 24.0, 1e-05, inf.
[[nodiscard]] std::string decimal_text(double value);

/// Returns the offset of the first byte that is not part of well-formed UTF-8, or nothing if the
/// text is valid.
[[nodiscard]] std::optional<std::size_t> first_invalid_utf8(std::string_view text);

} // namespace headroom::config
