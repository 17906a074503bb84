// Encodes rows as bytes and decodes them. The columns have the order of columns.hpp and no padding.
// A text column is either a string of fixed length, padded with NUL, or an offset and a length in a
// pool of bytes. HDF5's variable-length strings are not used, because they would be unreadable
// after a kill of the writer. No HDF5 is used here.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "base/error.hpp"
#include "trace/records/columns.hpp"

namespace headroom::trace {

enum class FieldType { i32, i64, u64, f64, u8, text };

/// One member of an encoded row.
struct Field {
    std::string name;
    FieldType type = FieldType::i32;
    std::size_t offset = 0;
    std::size_t bytes = 0;
    std::string unit;
};

struct Layout {
    std::vector<Field> fields;
    std::size_t row_bytes = 0;

    void add(const std::string& name, FieldType type, std::size_t bytes, const char* unit) {
        fields.push_back({name, type, row_bytes, bytes, unit});
        row_bytes += bytes;
    }
};

/// Maps column names to the length in bytes of fixed-length texts. Other texts are in a pool.
using TextWidths = std::map<std::string, std::size_t>;
using ByteBuffer = std::vector<std::byte>;

template <class T>
constexpr FieldType field_type() {
    if constexpr (std::is_same_v<T, std::int32_t>) {
        return FieldType::i32;
    } else if constexpr (std::is_same_v<T, std::int64_t>) {
        return FieldType::i64;
    } else if constexpr (std::is_same_v<T, std::uint64_t>) {
        return FieldType::u64;
    } else {
        static_assert(std::is_same_v<T, double>);
        return FieldType::f64;
    }
}

/// Appends the columns of Row to a layout. A column of pooled texts becomes two fields, NAME_offset
/// and NAME_length.
template <class Row>
void add_columns(Layout& layout, const TextWidths& widths) {
    for_each_column<Row>([&]<class T>(const Column<Row, T>& column) {
        if constexpr (!std::is_same_v<T, std::string>) {
            layout.add(column.name, field_type<T>(), sizeof(T), column.unit);
        } else if (const auto width = widths.find(column.name); width != widths.end()) {
            layout.add(column.name, FieldType::text, width->second, column.unit);
        } else {
            const std::string name = column.name;
            layout.add(name + "_offset", FieldType::i64, sizeof(std::int64_t), "B");
            layout.add(name + "_length", FieldType::i64, sizeof(std::int64_t), "B");
        }
    });
}

/// Returns for each text column the length of its longest text in bytes, at least 1 because HDF5
/// has no strings of 0 bytes.
template <class Row>
TextWidths widths_for(const std::vector<Row>& rows) {
    TextWidths widths;
    for_each_column<Row>([&]<class T>(const Column<Row, T>& column) {
        if constexpr (std::is_same_v<T, std::string>) {
            std::size_t& width = widths[column.name] = 1;
            for (const Row& row : rows) {
                width = std::max(width, (row.*column.member).size());
            }
        }
    });
    return widths;
}

inline void put_bytes(ByteBuffer& out, const void* data, std::size_t bytes) {
    const std::size_t before = out.size();
    out.resize(before + bytes);
    if (bytes > 0) {
        std::memcpy(out.data() + before, data, bytes);
    }
}

/// The bytes that are to be appended to a pool of texts.
struct PendingText {
    ByteBuffer bytes;
    std::int64_t base = 0; ///< offset that the first byte gets in the pool
};

/// Appends the encoded row to `out`, and its pooled texts to `pool`. `pool` may be null if `widths`
/// has all text columns.
template <class Row>
void encode(const Row& row, const TextWidths& widths, ByteBuffer& out, PendingText* pool) {
    for_each_column<Row>([&]<class T>(const Column<Row, T>& column) {
        const T& value = row.*column.member;
        if constexpr (!std::is_same_v<T, std::string>) {
            put_bytes(out, &value, sizeof(T));
        } else if (const auto width = widths.find(column.name); width != widths.end()) {
            put_bytes(out, value.data(), value.size());
            out.resize(out.size() + width->second - value.size());
        } else {
            const std::int64_t place[2] = {
                pool->base + static_cast<std::int64_t>(pool->bytes.size()),
                static_cast<std::int64_t>(value.size()),
            };
            put_bytes(out, place, sizeof(place));
            put_bytes(pool->bytes, value.data(), value.size());
        }
    });
}

class RowBytes {
  public:
    explicit RowBytes(std::span<const std::byte> bytes) : rest_(bytes) {}

    std::span<const std::byte> take(std::size_t bytes) {
        const auto taken = rest_.first(bytes);
        rest_ = rest_.subspan(bytes);
        return taken;
    }

    template <class T>
    T take() {
        T value;
        std::memcpy(&value, take(sizeof(T)).data(), sizeof(T));
        return value;
    }

  private:
    std::span<const std::byte> rest_;
};

inline std::string text_of(std::span<const std::byte> bytes) {
    std::string text(bytes.size(), '\0');
    if (!bytes.empty()) {
        std::memcpy(text.data(), bytes.data(), bytes.size());
    }
    return text;
}

/// Reads the texts of one table from a pool of bytes.
class PooledTexts {
  public:
    explicit PooledTexts(std::span<const std::byte> pool) : pool_(pool), unread_(pool.size()) {}

    /// Returns a text. Throws InputError if the text lies outside the pool. Also throws if all
    /// texts so far have more bytes together than the pool, because a damaged file could refer to
    /// the same bytes without limit.
    std::string take(std::int64_t offset, std::int64_t length) {
        const auto size = static_cast<std::int64_t>(pool_.size());
        if (offset < 0 || length < 0 || offset > size || length > size - offset) {
            throw InputError("damaged: a text lies outside its pool of bytes");
        }
        const auto bytes = static_cast<std::size_t>(length);
        if (bytes > unread_) {
            throw InputError("damaged: texts are longer than their pool of bytes");
        }
        unread_ -= bytes;
        return text_of(pool_.subspan(static_cast<std::size_t>(offset), bytes));
    }

  private:
    std::span<const std::byte> pool_;
    std::size_t unread_;
};

/// Takes the next row from `bytes` and decodes what encode() has written.
template <class Row>
Row decode(RowBytes& bytes, const TextWidths& widths, PooledTexts& texts) {
    Row row;
    for_each_column<Row>([&]<class T>(const Column<Row, T>& column) {
        T& value = row.*column.member;
        if constexpr (!std::is_same_v<T, std::string>) {
            value = bytes.take<T>();
        } else if (const auto width = widths.find(column.name); width != widths.end()) {
            value = text_of(bytes.take(width->second));
            value.resize(value.find_last_not_of('\0') + 1);
        } else {
            const auto offset = bytes.take<std::int64_t>();
            value = texts.take(offset, bytes.take<std::int64_t>());
        }
    });
    return row;
}

} // namespace headroom::trace
