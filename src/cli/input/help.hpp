// The topics that `headroom help` describes besides the commands.
#pragma once

#include <string>

namespace headroom::cli {

/// Returns the list of topics, one line each, as `headroom --help` prints it.
[[nodiscard]] std::string topics_text();

} // namespace headroom::cli
