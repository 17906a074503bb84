#include "model/gguf/gguf_value.hpp"

#include <fmt/format.h>

namespace headroom::model {

namespace {

/// The type codes of metadata values.
enum class Code : std::uint32_t {
    u8,
    i8,
    u16,
    i16,
    u32,
    i32,
    f32,
    boolean,
    text,
    array,
    u64,
    i64,
    f64
};

constexpr int kMaxArrayDepth = 4;

/// Returns the size of a scalar, or the smallest size of a text or an array; 0 if not a type code.
std::uint64_t min_bytes(Code code) {
    switch (code) {
    case Code::u8:
    case Code::i8:
    case Code::boolean:
        return 1;
    case Code::u16:
    case Code::i16:
        return 2;
    case Code::u32:
    case Code::i32:
    case Code::f32:
        return 4;
    case Code::text:
    case Code::u64:
    case Code::i64:
    case Code::f64:
        return 8;
    case Code::array:
        return 12;
    }
    return 0;
}

/// Reads a type code. Throws InputError if it is unknown.
Code read_code(GgufCursor& cursor) {
    const std::uint64_t at = cursor.position();
    const auto code = cursor.number<std::uint32_t>("a value type");
    if (min_bytes(static_cast<Code>(code)) == 0) {
        cursor.fail(at, "a value type from 0 to 12", fmt::format("{}", code));
    }
    return static_cast<Code>(code);
}

bool read_bool(GgufCursor& cursor) {
    const std::uint64_t at = cursor.position();
    const auto value = cursor.number<std::uint8_t>("a truth value");
    if (value > 1) {
        cursor.fail(at, "0 or 1 for a truth value", fmt::format("{}", value));
    }
    return value == 1;
}

GgufArray read_array(GgufCursor& cursor, std::span<const std::byte> file, int depth) {
    if (depth > kMaxArrayDepth) {
        cursor.fail(
            cursor.position(),
            fmt::format("arrays nested at most {} deep", kMaxArrayDepth),
            "a deeper one"
        );
    }
    const Code element = read_code(cursor);
    GgufArray array;
    array.element_type = static_cast<std::uint32_t>(element);
    array.count = cursor.count("an array's length", min_bytes(element));
    const std::uint64_t start = cursor.position();
    if (element == Code::array) {
        for (std::uint64_t i = 0; i < array.count; ++i) {
            (void)read_array(cursor, file, depth + 1);
        }
    } else if (element == Code::text) {
        for (std::uint64_t i = 0; i < array.count; ++i) {
            (void)cursor.text("a text in an array");
        }
    } else {
        (void)cursor.read_bytes(array.count * min_bytes(element), "an array's elements");
    }
    array.bytes = file.subspan(start, cursor.position() - start);
    return array;
}

} // namespace

GgufValue read_gguf_value(GgufCursor& cursor, std::span<const std::byte> file) {
    constexpr std::string_view kWhat = "a value";
    switch (read_code(cursor)) {
    case Code::u8:
        return std::uint64_t{cursor.number<std::uint8_t>(kWhat)};
    case Code::i8:
        return std::int64_t{cursor.number<std::int8_t>(kWhat)};
    case Code::u16:
        return std::uint64_t{cursor.number<std::uint16_t>(kWhat)};
    case Code::i16:
        return std::int64_t{cursor.number<std::int16_t>(kWhat)};
    case Code::u32:
        return std::uint64_t{cursor.number<std::uint32_t>(kWhat)};
    case Code::i32:
        return std::int64_t{cursor.number<std::int32_t>(kWhat)};
    case Code::f32:
        return double{cursor.number<float>(kWhat)};
    case Code::boolean:
        return read_bool(cursor);
    case Code::text:
        return cursor.text("a text");
    case Code::array:
        return read_array(cursor, file, 1);
    case Code::u64:
        return cursor.number<std::uint64_t>(kWhat);
    case Code::i64:
        return cursor.number<std::int64_t>(kWhat);
    case Code::f64:
        return cursor.number<double>(kWhat);
    }
    cursor.fail(cursor.position(), "a value type", "none");
}

} // namespace headroom::model
