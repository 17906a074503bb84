// What docs/reference/scenario.md says of scenarios and sweeps, for a program that stands alone.
#pragma once

#include <string_view>

namespace headroom::config {

/// How values are written and what every key means, in Markdown. Embedded when the program is
/// built.
[[nodiscard]] std::string_view key_reference();

} // namespace headroom::config
