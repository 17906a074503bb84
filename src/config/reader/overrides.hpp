// Applies the changes that options of the command line make to the parsed TOML of a scenario. This
// happens before any value is checked, so the same rules hold for options and for the file.
#pragma once

#include <toml++/toml.h>

#include "config/scenario/scenario.hpp"
#include "config/toml/problems.hpp"

namespace headroom::config {

/// Applies all changes to `root`. Adds a problem (a message about a mistake) for each key that
/// names no position of the document, for example because its index is too large.
void apply_overrides(toml::table& root, const Overrides& overrides, Problems& problems);

} // namespace headroom::config
