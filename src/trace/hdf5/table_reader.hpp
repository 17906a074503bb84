// Tables of a trace file as values: what is missing or misshapen is an InputError "damaged: …".
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "trace/hdf5/file.hpp"
#include "trace/hdf5/layout.hpp"

namespace headroom::trace::h5 {

[[nodiscard]] Dataset dataset_named(const File& file, const std::string& name);

/// The first `rows` rows of a dataset, which must have as many; `name` is for the message.
[[nodiscard]] ByteBuffer read_first_rows(
    const Dataset& dataset, const Type& memory, std::size_t rows, const std::string& name
);

/// The first `size` elements of a dataset of bytes, or all.
[[nodiscard]] ByteBuffer read_bytes(
    const File& file, const char* name, std::optional<std::size_t> size
);

/// A compound dataset as the file has it: widths of its fixed strings, checked columns.
class TableReader {
  public:
    TableReader(const File& file, std::string name);

    [[nodiscard]] std::size_t rows() const;

    /// Columns of Row join what read() returns; a column of fixed strings gets its width.
    template <class Row>
    TextWidths add() {
        TextWidths widths;
        for_each_column<Row>([&]<class T>(const Column<Row, T>& column) {
            if constexpr (std::is_same_v<T, std::string>) {
                if (const std::size_t width = member_bytes(file_type_, column.name)) {
                    widths[column.name] = width;
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
    std::string name_;
    Dataset dataset_;
    Type file_type_;
    Layout layout_;
};

/// The first `rows` rows of Row's table, or all; texts that are not in it come from `pool`.
template <class Row>
std::vector<Row> read_table(
    const File& file,
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
    std::vector<Row> result;
    result.reserve(count);
    for (std::size_t i = 0; i < count; ++i) {
        result.push_back(decode<Row>(rest, widths, pool));
    }
    return result;
}

} // namespace headroom::trace::h5
