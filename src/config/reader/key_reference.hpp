// The text of docs/reference/scenario.md, for `headroom help scenario`.
#pragma once

#include <string>
#include <string_view>

namespace headroom::config {

[[nodiscard]] std::string key_reference();

/// Returns the part of the page from its heading "Values" on, as it was when the program was built.
/// embed.cmake writes this function.
[[nodiscard]] std::string_view reference_page();

} // namespace headroom::config
