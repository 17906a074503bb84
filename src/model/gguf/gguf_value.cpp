#include "model/gguf/gguf_value.hpp"

#include <array>
#include <bit>
#include <cstring>

#include <fmt/format.h>

namespace headroom::model {

namespace {

struct ValueType {
    GgufKind kind;
    std::uint64_t min_bytes; ///< size of a scalar, smallest size of a text or an array
};

/// The types of metadata values; the index is the type code.
constexpr std::array<ValueType, 13> kValueTypes{{
    {GgufKind::natural, 1},
    {GgufKind::integer, 1},
    {GgufKind::natural, 2},
    {GgufKind::integer, 2},
    {GgufKind::natural, 4},
    {GgufKind::integer, 4},
    {GgufKind::real, 4},
    {GgufKind::boolean, 1},
    {GgufKind::text, 8},
    {GgufKind::array, 12},
    {GgufKind::natural, 8},
    {GgufKind::integer, 8},
    {GgufKind::real, 8},
}};

constexpr int kMaxArrayDepth = 4;

/// Reads a type code. Throws InputError if it is unknown.
std::uint32_t read_code(GgufCursor& cursor) {
    const std::uint64_t at = cursor.position();
    const auto code = cursor.number<std::uint32_t>("a value type");
    if (code >= kValueTypes.size()) {
        cursor.fail(at, "a value type from 0 to 12", fmt::format("{}", code));
    }
    return code;
}

/// Returns the little-endian number at this address.
GgufValue number_from(const std::byte* at, const ValueType& type) {
    std::uint64_t bits = 0;
    std::memcpy(&bits, at, type.min_bytes);
    if (type.kind == GgufKind::natural) {
        return bits;
    }
    const std::uint64_t unused = 64 - 8 * type.min_bytes;
    if (type.kind == GgufKind::integer) {
        return static_cast<std::int64_t>(bits << unused) >> unused;
    }
    return unused == 0 ? std::bit_cast<double>(bits)
                       : double{std::bit_cast<float>(static_cast<std::uint32_t>(bits))};
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
    GgufArray array;
    array.element_type = read_code(cursor);
    const auto [kind, min_bytes] = kValueTypes[array.element_type];
    array.count = cursor.count("an array's length", min_bytes);
    const std::uint64_t start = cursor.position();
    if (kind == GgufKind::array) {
        for (std::uint64_t i = 0; i < array.count; ++i) {
            (void)read_array(cursor, file, depth + 1);
        }
    } else if (kind == GgufKind::text) {
        for (std::uint64_t i = 0; i < array.count; ++i) {
            (void)cursor.text("a text in an array");
        }
    } else {
        (void)cursor.read_bytes(array.count * min_bytes, "an array's elements");
    }
    array.bytes = file.subspan(start, cursor.position() - start);
    return array;
}

} // namespace

GgufKind kind_of(std::uint32_t code) {
    return kValueTypes.at(code).kind;
}

GgufValue number_at(const GgufArray& array, std::uint64_t i) {
    const ValueType& type = kValueTypes.at(array.element_type);
    return number_from(array.bytes.data() + i * type.min_bytes, type);
}

GgufValue read_gguf_value(GgufCursor& cursor, std::span<const std::byte> file) {
    const ValueType& type = kValueTypes[read_code(cursor)];
    switch (type.kind) {
    case GgufKind::boolean:
        return read_bool(cursor);
    case GgufKind::text:
        return cursor.text("a text");
    case GgufKind::array:
        return read_array(cursor, file, 1);
    default:
        return number_from(cursor.read_bytes(type.min_bytes, "a value").data(), type);
    }
}

} // namespace headroom::model
