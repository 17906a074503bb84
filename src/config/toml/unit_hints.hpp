// What a misspelt quantity was meant to be, for messages: "30 GFLOPS" is 30 GFLOP/s.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/units.hpp"

namespace headroom::config {

/// The right spellings of what was probably meant, the likelier first; empty if nobody can say.
/// Every one of them is read by parse_quantity.
[[nodiscard]] std::vector<std::string> quantity_guesses(Quantity quantity, std::string_view text);

/// `; did you mean "30 GFLOP/s"?`, or empty.
[[nodiscard]] std::string quantity_hint(Quantity quantity, std::string_view text);

/// The value of "0.5 /s", "30 /min" or "2 /h" per second; nothing if the text is none of them.
[[nodiscard]] std::optional<double> parse_per_second(std::string_view text);

/// `; did you mean "0.5 /s"?` for "0.5 Hz" or "0.5 per second", or empty.
[[nodiscard]] std::string per_second_hint(std::string_view text);

/// `; did you mean 0.5?` for "50 %", or empty.
[[nodiscard]] std::string percent_hint(std::string_view text);

} // namespace headroom::config
