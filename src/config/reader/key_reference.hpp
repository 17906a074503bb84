// The text of docs/reference/scenario.md, for `headroom help scenario`.
#pragma once

#include <string>
#include <string_view>

namespace headroom::config {

/// Returns reference_page(), but replaces its table of keys by one that is made from the rows of
/// scenario_keys.cpp.
[[nodiscard]] std::string key_reference();

/// Returns the part of docs/reference/scenario.md from its heading "Values" on, as it was when the
/// program was built. embed.cmake writes this function.
[[nodiscard]] std::string_view reference_page();

} // namespace headroom::config
