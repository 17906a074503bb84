// What only a pass over a whole model file tells.
#pragma once

#include <functional>
#include <string>

#include "model/gguf/gguf.hpp"

namespace headroom::model {

struct WholeFile {
    std::string hash;    ///< 64-bit content hash, as 16 hex digits: what `xxhsum -H1` prints
    std::string problem; ///< weights that are not finite; empty if all are
};

/// One pass, in pieces that stay in the CPU's cache. `after_piece`, if there is one, is called
/// after every piece (a fraction of a second, unless the storage is slow) and may throw. Throws
/// EnvironmentError.
[[nodiscard]] WholeFile read_through(
    const GgufFile& file, const std::function<void()>& after_piece = {}
);

} // namespace headroom::model
