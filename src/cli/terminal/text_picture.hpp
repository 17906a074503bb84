// Pictures of letters: bars, curves and strips as wide as there is room, in UTF-8 blocks or ASCII.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace headroom::cli {

/// How to draw: what the terminal can do.
struct PictureStyle {
    std::size_t width = 80; ///< of a line, in characters
    bool blocks = true;     ///< UTF-8 block characters; else ASCII
    bool colour = false;
    /// What stdout is: its width, its language's character set, colours only on a terminal.
    [[nodiscard]] static PictureStyle of_stdout();
};

/// Colours that colour-blind people tell apart; each also has its own letter or place.
enum class Ink { plain, blue, orange, dim };

[[nodiscard]] std::string painted(const PictureStyle& style, Ink ink, const std::string& text);

/// Part of a bar.
struct BarPart {
    double share = 0; ///< of the whole, 0 to 1
    Ink ink = Ink::plain;
    int shade = 3; ///< 3 full to 0 empty: parts differ without colours, too
};

/// A bar of `length` characters; what its parts leave is empty. Shares are rounded so that the
/// bar is never longer, and a part that is not 0 is seen if there is room.
[[nodiscard]] std::string bar(
    const PictureStyle& style, const std::vector<BarPart>& parts, std::size_t length
);

/// One character per value, from empty or lowest to full at `most`; 0 is a space if `zero_blank`.
[[nodiscard]] std::string heights(
    const PictureStyle& style, const std::vector<double>& values, double most, bool zero_blank
);

/// Which values each of at most `most` columns stands for: [first, last), equally many but for
/// the last column.
struct Columns {
    std::size_t values = 0;
    std::size_t per_column = 1;
    [[nodiscard]] std::size_t count() const { return (values + per_column - 1) / per_column; }
    [[nodiscard]] std::size_t column_of(std::size_t value) const { return value / per_column; }
};

[[nodiscard]] Columns columns_for(std::size_t values, std::size_t most);

/// Characters of a UTF-8 text.
[[nodiscard]] std::size_t characters(const std::string& text);
/// Filled up with spaces behind it.
[[nodiscard]] std::string padded(const std::string& text, std::size_t width);

} // namespace headroom::cli
