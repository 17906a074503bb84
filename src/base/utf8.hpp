// Functions for text that may be split inside a UTF-8 character or contain arbitrary bytes, such as
// the tokens that a model samples.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace headroom {

/// Returns the length in bytes of the longest prefix that does not end inside a UTF-8 character.
/// Bytes that cannot belong to a character count as complete. At most three bytes are left out,
/// because a character has at most four.
[[nodiscard]] std::size_t complete_prefix_length(std::string_view text);

/// Returns the length in bytes of the character at the start of the text, or 0 if no well-formed
/// character (table 3-7 of the Unicode standard) is there. Precondition: the text is not empty.
[[nodiscard]] std::size_t well_formed_length(std::string_view text);

/// Escapes all characters and bytes that could control a terminal, and returns the resulting text.
/// Control characters below 0x20 and bytes that are not UTF-8 become escapes like \x1b; line ends
/// and tabs stay. Other control characters, and those that change the writing direction, become
/// escapes like \u009b. Escaping the result again does not change it.
[[nodiscard]] std::string escape_controls(std::string_view text);

} // namespace headroom
