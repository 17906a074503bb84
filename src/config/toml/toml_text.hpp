// Writes TOML values as text on one line, for messages and for scenarios that are written out.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <toml++/toml.h>

namespace headroom::config {

/// Returns the value as TOML on one line. Equal values give equal texts, however they were written.
/// Returns nothing if the value contains a TOML date or time, because no scenario key has a value
/// of these types.
[[nodiscard]] std::optional<std::string> toml_text(const toml::node& node);

/// Returns the text as a TOML basic string with its quotes. Precondition: well-formed UTF-8.
[[nodiscard]] std::string toml_string(std::string_view text);
/// Returns the text as a key: bare if it can be, else as a basic string.
[[nodiscard]] std::string toml_key(std::string_view key);
[[nodiscard]] std::string toml_strings(const std::vector<std::string>& texts);

} // namespace headroom::config
