// Functions for text that may be split inside a UTF-8 character or contain arbitrary bytes, such as
// the tokens that a model samples.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace headroom {

/// Returns the length in bytes of the longest prefix that does not end inside a UTF-8 character.
/// Bytes that cannot belong to a character count as complete, so at most the last three bytes are
/// left out.
[[nodiscard]] std::size_t complete_prefix_length(std::string_view text);

/// Returns the length in bytes of the well-formed character (table 3-7 of the Unicode standard) at
/// the start of a text that is not empty; 0 if there is none.
[[nodiscard]] std::size_t well_formed_length(std::string_view text);

/// Returns the text with all characters and bytes escaped that could control a terminal. ASCII
/// control characters except line ends and tabs, and bytes that are not UTF-8, become escapes like
/// \x1b. Other control characters and those that change the writing direction become escapes like
/// \u009b. Escaping the result again does not change it.
[[nodiscard]] std::string escape_controls(std::string_view text);

} // namespace headroom
