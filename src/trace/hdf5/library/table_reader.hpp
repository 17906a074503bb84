// Reads tables of a trace file as rows. All functions throw InputError ("damaged: …") if a table is
// missing or has other columns than expected.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "trace/hdf5/library/layout.hpp"
#include "trace/hdf5/library/untrusted.hpp"

namespace headroom::trace::h5 {

/// Returns the first `rows` rows of a dataset of numbers; all rows if `rows` is nullopt. The
/// dataset must have `width` columns; if `width` is 1, it may also be one-dimensional.
[[nodiscard]] ByteBuffer read_numbers(
    UntrustedFile& file,
    const char* name,
    FieldType type,
    std::optional<std::size_t> rows,
    std::size_t width = 1
);

/// Reads a table. The caller first adds the columns that it wants; then read() returns the rows as
/// bytes, with the columns in the order in which they were added.
class TableReader {
  public:
    TableReader(UntrustedFile& file, std::string name);

    [[nodiscard]] std::size_t rows() const;

    /// Adds the columns of Row. Returns the length in bytes that the strings of each fixed-length
    /// text column have in the file.
    template <class Row>
    TextWidths add() {
        TextWidths widths;
        for_each_column<Row>([&]<class T>(const Column<Row, T>& column) {
            if constexpr (std::is_same_v<T, std::string>) {
                if (const std::optional<Type> type = member_type(file_type_, column.name)) {
                    widths[column.name] = size_of(*type);
                }
            }
        });
        add_columns<Row>(layout_, widths);
        return widths;
    }

    /// Lets the table lack this column and those that were added after it. They read as zeros.
    void may_end_before(std::string column) { optional_ = std::move(column); }
    /// Returns the first `rows` rows as bytes of the added columns, for decode() of layout.hpp.
    [[nodiscard]] ByteBuffer read(std::size_t rows) const;
    /// Adds to `codes` the names for which the codes (small numbers) in the table stand.
    void add_codes(CodeNames& codes) const;

  private:
    UntrustedFile* file_;
    std::string name_;
    Dataset dataset_;
    Type file_type_;
    Layout layout_;
    std::string optional_; ///< the first column that may be missing; "": none may
};

/// Returns the first `rows` rows of the table of Row; all rows if `rows` is nullopt. `pool` has the
/// bytes of texts of variable length. Adds the names of the table's codes to `codes`. The table may
/// lack the column `optional` and those after it, which read as 0; "": it may lack none.
template <class Row>
std::vector<Row> read_table(
    UntrustedFile& file,
    std::optional<std::size_t> rows,
    std::span<const std::byte> pool,
    CodeNames& codes,
    const char* optional = ""
) {
    TableReader table(file, Table<Row>::name);
    const TextWidths widths = table.add<Row>();
    table.may_end_before(optional);
    table.add_codes(codes);
    const std::size_t count = rows.value_or(table.rows());
    const ByteBuffer bytes = table.read(count);
    RowBytes rest(bytes);
    PooledTexts texts(pool);
    std::vector<Row> result;
    result.reserve(count);
    for (std::size_t i = 0; i < count; ++i) {
        result.push_back(decode<Row>(rest, widths, texts));
    }
    return result;
}

} // namespace headroom::trace::h5
