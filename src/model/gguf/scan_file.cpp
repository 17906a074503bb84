#include "model/gguf/scan_file.hpp"

#include <algorithm>
#include <cstddef>
#include <vector>

#include <fmt/format.h>

#include "model/gguf/content_hash.hpp"
#include "model/gguf/finite_weights_check.hpp"

namespace headroom::model {

FileScan scan_file(const GgufFile& file, const std::function<void()>& after_piece) {
    constexpr std::uint64_t kPiece = std::uint64_t{256} << 10;
    static_assert(kPiece % ContentHash::kStripeBytes == 0);
    ContentHash hash;
    FiniteWeightsCheck weights(file);
    std::vector<std::byte> piece;
    for (std::uint64_t at = 0; at < file.file_bytes(); at += piece.size()) {
        piece.resize(std::min(kPiece, file.file_bytes() - at));
        file.open_file().read(at, piece);
        hash.add(piece);
        weights.add(piece);
        if (after_piece) {
            after_piece();
        }
    }
    file.open_file().check_unchanged();
    return {fmt::format("{:016x}", hash.value()), weights.problem()};
}

} // namespace headroom::model
