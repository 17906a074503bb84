// SentencePiece's merging on a text, apart from any vocabulary's storage: of all adjacent pairs of
// symbols whose concatenation is a piece, the one with the best score is merged, again and again.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

namespace headroom::model {

/// Score of a piece, or nothing if the text is none: a pointer into the vocabulary's scores.
using PieceScore = std::function<const float*(std::string_view)>;

/// Bytes of the UTF-8 character that a non-empty text starts with; 1 for what is not UTF-8.
[[nodiscard]] std::size_t character_bytes(std::string_view text);

/// The symbols that are left when no pair can be merged any more, as views into `text`. Ties go to
/// the leftmost pair. O(n log n) for n characters; `longest` bounds the pieces that are looked up.
[[nodiscard]] std::vector<std::string_view> merge_pieces(
    std::string_view text, const PieceScore& score, std::size_t longest
);

} // namespace headroom::model
