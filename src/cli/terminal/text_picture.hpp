// Charts drawn with characters: bars and columns, with UTF-8 block characters or ASCII.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace headroom::cli {

struct PictureStyle {
    std::size_t width = 80; ///< width of a line in characters
    bool blocks = true;     ///< use UTF-8 block characters; otherwise ASCII
    bool colour = false;
    /// Returns the style for stdout: its width, the character set of the locale, and colours only
    /// on a terminal without NO_COLOR.
    [[nodiscard]] static PictureStyle of_stdout();
};

/// Colours that colour-blind readers can distinguish. No chart relies on colour alone.
enum class Ink { plain, blue, orange, dim };

/// Returns the text in the given colour, or unchanged if the style has no colours.
[[nodiscard]] std::string coloured(const PictureStyle& style, Ink ink, const std::string& text);

struct BarPart {
    double share = 0; ///< length as a fraction of the whole bar, 0 to 1
    Ink ink = Ink::plain;
    int shade = 3; ///< 0 (empty) to 3 (full), so that parts also differ without colours
};

/// Returns a bar of `length` characters. Its parts follow each other; the rest of the bar is empty.
/// Every part with a share above 0 gets at least one character if there is room for it.
[[nodiscard]] std::string bar(
    const PictureStyle& style, const std::vector<BarPart>& parts, std::size_t length
);

/// Returns a column chart with one character per value. `max_value` has the full height. A value of
/// 0 is drawn as a space if `zero_blank`, else with the lowest character.
[[nodiscard]] std::string height_chart(
    const PictureStyle& style, const std::vector<double>& values, double max_value, bool zero_blank
);

/// How a series of values is distributed over the columns of a chart. Column c stands for the
/// per_column values whose indices begin at c * per_column. Only the last column may stand for
/// fewer values.
struct Columns {
    std::size_t values = 0;
    std::size_t per_column = 1;
    [[nodiscard]] std::size_t count() const { return (values + per_column - 1) / per_column; }
    [[nodiscard]] std::size_t column_of(std::size_t value) const { return value / per_column; }
};

/// Returns the distribution with the fewest values per column that needs at most `max_columns`.
[[nodiscard]] Columns columns_within(std::size_t values, std::size_t max_columns);

/// Returns the number of characters of a UTF-8 text.
[[nodiscard]] std::size_t characters(const std::string& text);
/// Returns the text, followed by spaces up to `width` characters.
[[nodiscard]] std::string padded(const std::string& text, std::size_t width);

} // namespace headroom::cli
