// Tables of a trace file as values: what is missing or misshapen is an InputError "damaged: …".
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

/// The first `rows` rows of a dataset, which must have as many, of `width` columns (of tables and
/// lists: 1), and hold just what `memory` says; `name` is for the message.
[[nodiscard]] ByteBuffer read_first_rows(
    UntrustedFile& file,
    const Dataset& dataset,
    const Type& memory,
    std::size_t rows,
    std::size_t width,
    const std::string& name
);

/// The first `rows` numbers of a dataset that is one list of them, or all.
[[nodiscard]] ByteBuffer read_numbers(
    UntrustedFile& file, const char* name, FieldType type, std::optional<std::size_t> rows
);

/// A compound dataset as the file has it: widths of its fixed strings, checked columns.
class TableReader {
  public:
    TableReader(UntrustedFile& file, std::string name);

    [[nodiscard]] std::size_t rows() const;

    /// Columns of Row join what read() returns; a column of fixed strings gets its width.
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

    /// The first `rows` rows, encoded as the columns were added.
    [[nodiscard]] ByteBuffer read(std::size_t rows) const;
    /// Adds the names behind codes, as "table.column".
    void add_codes(CodeNames& codes) const;

  private:
    UntrustedFile* file_;
    std::string name_;
    Dataset dataset_;
    Type file_type_;
    Layout layout_;
};

/// The first `rows` rows of Row's table, or all; texts that are not in it come from `pool`.
template <class Row>
std::vector<Row> read_table(
    UntrustedFile& file,
    std::optional<std::size_t> rows,
    std::span<const std::byte> pool,
    CodeNames& codes
) {
    TableReader table(file, Table<Row>::name);
    const TextWidths widths = table.add<Row>();
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
