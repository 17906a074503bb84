// A table of figures, the numbers and texts that describe runs. Each column has a name, a unit and
// values of one kind. A value may be missing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace headroom::trace {

/// One value of the table: missing, a text, an integer or a real number.
using Figure = std::variant<std::monostate, std::string, std::int64_t, double>;

struct FigureColumn {
    enum class Kind : std::uint8_t { text, integer, real };
    std::string name;
    std::string unit; ///< a unit of columns.hpp: "ns", "B", "1", "text", …
    Kind kind = Kind::text;
    std::vector<Figure> values; ///< one per row; each has the column's kind or is missing
};

struct FigureTable {
    std::vector<FigureColumn> columns;

    [[nodiscard]] std::size_t rows() const {
        return columns.empty() ? 0 : columns.front().values.size();
    }
};

/// Returns a figure as text. Real numbers get the fewest digits that read back as the same
/// number. A missing value gives an empty text.
[[nodiscard]] std::string plain_text(const Figure& figure);

/// Returns the table as CSV (RFC 4180, but lines end in \n): the column names, then the rows.
/// Missing values are empty fields.
[[nodiscard]] std::string csv_text(const FigureTable& table);

} // namespace headroom::trace
