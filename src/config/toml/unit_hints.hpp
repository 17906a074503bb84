// Suggestions for quantities with a misspelt unit, for messages: "30 GFLOPS" means 30 GFLOP/s.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/units.hpp"

namespace headroom::config {

/// Returns correct spellings of what was probably meant, the most probable first. parse_quantity
/// accepts each of them. The list is empty if the text has no number or its unit resembles no known
/// unit.
[[nodiscard]] std::vector<std::string> quantity_guesses(Quantity quantity, std::string_view text);

/// Returns a hint such as `; did you mean "30 GFLOP/s"?`, or "" if there is no suggestion.
[[nodiscard]] std::string quantity_hint(Quantity quantity, std::string_view text);

/// Returns the rate per second of a text such as "0.5 /s", "30 /min" or "2 /h", or nothing if the
/// text has another form.
[[nodiscard]] std::optional<double> parse_per_second(std::string_view text);

/// Returns `; did you mean "0.5 /s"?` for "0.5 Hz" or "0.5 per second", or "" for other texts.
[[nodiscard]] std::string per_second_hint(std::string_view text);

/// Returns `; did you mean 0.5?` for "50 %", or "" for other texts.
[[nodiscard]] std::string percent_hint(std::string_view text);

} // namespace headroom::config
