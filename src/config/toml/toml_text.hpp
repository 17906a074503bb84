// TOML values as text on one line.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <toml++/toml.h>

namespace headroom::config {

/// The value as TOML on one line: the same text for the same value, however it was written.
/// Nothing if a date or a time is in it: no scenario key has one.
[[nodiscard]] std::optional<std::string> toml_text(const toml::node& node);

/// The text as a TOML basic string with its quotes. Precondition: well-formed UTF-8.
[[nodiscard]] std::string toml_string(std::string_view text);

} // namespace headroom::config
