// A table of figures: named columns with units, one kind of value each, and gaps.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace headroom::trace {

/// Nothing, a text, a whole number or a real one.
using Figure = std::variant<std::monostate, std::string, std::int64_t, double>;

struct FigureColumn {
    enum class Kind : std::uint8_t { text, integer, real };
    std::string name;
    std::string unit; ///< as in a trace: "ns", "B", "1", "text", …
    Kind kind = Kind::text;
    std::vector<Figure> values; ///< one per row: of `kind`, or nothing
};

struct FigureTable {
    std::vector<FigureColumn> columns;

    [[nodiscard]] std::size_t rows() const {
        return columns.empty() ? 0 : columns.front().values.size();
    }
};

/// Reals as the shortest decimals that read as the same number; nothing is empty.
[[nodiscard]] std::string plain_text(const Figure& figure);

/// RFC 4180 with line feeds: a header of names, then the rows; gaps are empty.
[[nodiscard]] std::string csv_text(const FigureTable& table);

} // namespace headroom::trace
