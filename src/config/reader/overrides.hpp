// Makes the changes of the command line in the parsed TOML of a scenario. This happens before any
// value is checked, so the same rules hold for options and for the file.
#pragma once

#include <toml++/toml.h>

#include "config/scenario/scenario.hpp"
#include "config/toml/problems.hpp"

namespace headroom::config {

/// Makes all changes in `root`. The source path of every new value is its option. Adds a problem
/// for each key that names no position, such as an index that is too large.
void apply_overrides(toml::table& root, const Overrides& overrides, Problems& problems);

} // namespace headroom::config
