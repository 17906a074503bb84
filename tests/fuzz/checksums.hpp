// HDF5 guards its metadata with checksums, and refuses what does not fit: damage behind them is
// only tried if they are made to fit again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace headroom::fuzz {

/// Bob Jenkins' lookup3, as HDF5 uses it.
[[nodiscard]] std::uint32_t lookup3(std::string_view bytes);

/// Bytes [begin, end) with their checksum behind them.
struct Guarded {
    std::size_t begin = 0;
    std::size_t end = 0;
};

/// All in a file: pieces that begin with one of HDF5's signatures and that some checksum fits.
[[nodiscard]] std::vector<Guarded> guarded_in(const std::string& file);

/// Makes the checksum fit.
void seal(std::string& file, const Guarded& piece);

} // namespace headroom::fuzz
