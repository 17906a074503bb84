// Damages inputs at random: bytes of any format, or words and lines of texts.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.hpp"

namespace headroom::fuzz {

/// Makes one to four changes: changed bits and bytes, boundary values of 1 to 8 bytes (0, −1,
/// powers of two, about the file's size), parts removed, repeated, taken from `other` or cut off.
/// Half of the changes lie in the first `header_bytes`, where a format has its lengths. `other`
/// must not be a view into `bytes`.
void damage_bytes(
    std::string& bytes, std::size_t header_bytes, std::string_view other, Random& random
);

/// Makes one to four changes. Half of them replace the value after a `=`. Others replace a word by
/// one of `other` or by a boundary value, or remove, repeat or insert a word or line, or damage
/// bytes.
void damage_text(std::string& text, std::string_view other, Random& random);

} // namespace headroom::fuzz
