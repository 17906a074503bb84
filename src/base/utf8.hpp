// Text that arrives in pieces of any bytes.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace headroom {

/// Bytes of the longest prefix that does not end inside a UTF-8 character. Bytes that no character
/// can begin with or consist of count as whole, so at most the last three are left out.
[[nodiscard]] std::size_t whole_characters(std::string_view text);

/// The text with everything that a terminal would obey made visible: control characters but line
/// ends and tabs as \x1b, DEL, those beyond ASCII and what turns the direction of writing as
/// \u009b, bytes that are no UTF-8 as \x9b. All else stays; of its own result nothing changes.
[[nodiscard]] std::string visible(std::string_view text);

} // namespace headroom
