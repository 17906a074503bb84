// Command line changes to a scenario, made on the parsed TOML before anything is checked, so that
// they obey the same rules as the file.
#pragma once

#include <toml++/toml.h>

#include "config/scenario/scenario.hpp"
#include "config/toml/problems.hpp"

namespace headroom::config {

/// Changes root; every value that comes in carries its option as the path of its source. Keys that
/// lead nowhere (an index too large, a number where a table should be) are problems.
void apply_overrides(toml::table& root, const Overrides& overrides, Problems& problems);

} // namespace headroom::config
