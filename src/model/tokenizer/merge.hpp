// Merges the characters of a text into pieces of the vocabulary, as SentencePiece does. At first
// every character is a symbol. As long as two adjacent symbols together are a piece of the
// vocabulary, the pair with the best score is merged into one symbol.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

namespace headroom::model {

/// Returns a pointer to the score of a piece, or null if the text is not a piece of the vocabulary.
using PieceScore = std::function<const float*(std::string_view)>;

/// Returns the length in bytes of the UTF-8 character at the start of a non-empty text, or 1 if the
/// text does not start with valid UTF-8.
[[nodiscard]] std::size_t character_bytes(std::string_view text);

/// Returns the symbols after the last merge, as views into `text`. Of pairs with equal scores the
/// leftmost is merged first. `max_piece_bytes` is the length of the longest piece in the
/// vocabulary: longer pairs of symbols are not looked up, so that the time is O(n log n) for n
/// characters.
[[nodiscard]] std::vector<std::string_view> merge_pieces(
    std::string_view text, const PieceScore& score, std::size_t max_piece_bytes
);

} // namespace headroom::model
