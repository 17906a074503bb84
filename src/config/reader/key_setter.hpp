// Applies one change KEY=VALUE of the command line to a parsed TOML document: the value at the
// position that the dotted key names is replaced or added.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <toml++/toml.h>

#include "config/toml/problems.hpp"

namespace headroom::config {

/// Returns a table with the parsed value under the key `v`, or nothing if the text is not exactly
/// one TOML value. The nodes of the table have `option` in place of a file name, so that error
/// messages name the option.
[[nodiscard]] std::optional<toml::table> parse_value(
    std::string_view value, const std::string& option
);

/// Moves the value to the position that the key names, and creates missing tables and lists on the
/// way. The key names a table of a list by its index or by its key `name`: device.0.memory or
/// device.phone.memory. In a list of n tables, the index n adds a table. If the key names no
/// position, adds a problem (a message about a mistake) that names `option`.
void set_key(
    toml::table& root,
    const std::string& option,
    std::string_view key,
    toml::node& value,
    Problems& problems
);

} // namespace headroom::config
