// One change of the command line, made in the parsed TOML: a dotted key through tables and lists.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <toml++/toml.h>

#include "config/toml/problems.hpp"

namespace headroom::config {

/// A table with the value as `v`; its nodes carry the option as source. Nothing if `value` is not
/// one TOML value.
[[nodiscard]] std::optional<toml::table> parse_value(
    std::string_view value, const std::string& option
);

/// Moves the value to where the key leads, making what is missing on the way. Tables of a list are
/// named by index or, if they have one, by name; the index behind the last adds one. Keys that lead
/// nowhere are problems of the option.
void set_key(
    toml::table& root,
    const std::string& option,
    std::string_view key,
    toml::node& value,
    Problems& problems
);

} // namespace headroom::config
