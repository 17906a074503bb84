// Damage to inputs, drawn from a stream: bytes for any format, words and lines for texts.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.hpp"

namespace headroom::fuzz {

/// One to four wounds: bits and bytes changed, numbers of 1 to 8 bytes that tempt (0, −1, powers
/// of two, about the file's size), pieces removed, doubled, taken from `other`, or cut off. Half
/// of them within the first `hot` bytes, where a format keeps its lengths. `other` is no view into
/// `bytes`.
void damage_bytes(std::string& bytes, std::size_t hot, std::string_view other, Random& random);

/// One to four wounds: a value behind a `=` replaced (half of them), a word replaced by one of
/// `other` or by a number that tempts, a word or line removed, doubled, exchanged, or taken from
/// `other`; sometimes a few bytes.
void damage_text(std::string& text, std::string_view other, Random& random);

} // namespace headroom::fuzz
