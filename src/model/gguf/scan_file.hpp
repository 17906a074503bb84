// Reads a whole model file once, for its content hash and the check that all weights are finite.
#pragma once

#include <functional>
#include <string>

#include "model/gguf/gguf.hpp"

namespace headroom::model {

struct FileScan {
    std::string hash;    ///< content hash as 16 hex digits, the same that `xxhsum -H1` prints
    std::string problem; ///< a sentence on weights that are not finite; empty if all are finite
};

/// Reads the file in pieces of 256 KiB. Calls `after_piece`, if given, after each piece.
/// `after_piece` may throw to stop the scan. Throws EnvironmentError if the file cannot be read or
/// has changed since it was opened.
[[nodiscard]] FileScan scan_file(
    const GgufFile& file, const std::function<void()>& after_piece = {}
);

} // namespace headroom::model
