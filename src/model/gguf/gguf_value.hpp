// Reads one metadata value of a GGUF file. In the file a type code stands first; a scalar, a text
// or an array follows. An array is read once to find its end, and is returned as a view.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "model/gguf/gguf.hpp"
#include "model/gguf/gguf_cursor.hpp"

namespace headroom::model {

/// The kind of a value. Numbers of one kind differ only in size.
enum class GgufKind : std::uint8_t { natural, integer, real, boolean, text, array };

/// Returns the kind of the values with this type code of GGUF. Precondition: 0 ≤ code ≤ 12.
[[nodiscard]] GgufKind kind_of(std::uint32_t code);

/// Returns element i of an array of numbers.
[[nodiscard]] GgufValue number_at(const GgufArray& array, std::uint64_t i);

/// Reads the type code and the value at the cursor; `file` has the bytes over which the cursor
/// moves. Throws InputError if the value is damaged.
[[nodiscard]] GgufValue read_gguf_value(GgufCursor& cursor, std::span<const std::byte> file);

} // namespace headroom::model
