// The text of docs/reference/scenario.md, for `headroom help scenario`.
#pragma once

#include <string_view>

namespace headroom::config {

/// Returns the reference of all scenario and sweep keys in Markdown. embed.cmake puts it into the
/// program when it is built.
[[nodiscard]] std::string_view key_reference();

} // namespace headroom::config
