// One metadata value of a GGUF file: its type code, then a scalar, a text or an array of them.
// Arrays are walked once to find their end and kept as views.
#pragma once

#include <cstddef>
#include <span>

#include "model/gguf/gguf.hpp"
#include "model/gguf/gguf_cursor.hpp"

namespace headroom::model {

/// Reads type and value at the cursor, which walks over `file`. Throws InputError on damage.
[[nodiscard]] GgufValue read_gguf_value(GgufCursor& cursor, std::span<const std::byte> file);

} // namespace headroom::model
