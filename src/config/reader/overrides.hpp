// Applies the changes of the command line's options to the parsed TOML of a scenario. This happens
// before any value is checked, so the same rules hold for options and for the file.
#pragma once

#include <toml++/toml.h>

#include "config/scenario/scenario.hpp"
#include "config/toml/problems.hpp"

namespace headroom::config {

/// Applies all changes to `root`. Adds a problem (a message about a mistake) for each key that
/// names no position, such as an index that is too large.
void apply_overrides(toml::table& root, const Overrides& overrides, Problems& problems);

} // namespace headroom::config
