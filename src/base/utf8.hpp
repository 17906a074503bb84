// Text that arrives in pieces of any bytes.
#pragma once

#include <cstddef>
#include <string_view>

namespace headroom {

/// Bytes of the longest prefix that does not end inside a UTF-8 character. Bytes that no character
/// can begin with or consist of count as whole, so at most the last three are left out.
[[nodiscard]] std::size_t whole_characters(std::string_view text);

} // namespace headroom
