// The checksums of HDF5's metadata. HDF5 refuses metadata whose checksum is wrong, so damaged
// metadata is tested only if its checksum is updated.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace headroom::fuzz {

/// Returns HDF5's checksum of the bytes (Bob Jenkins' lookup3).
[[nodiscard]] std::uint32_t lookup3(std::string_view bytes);

/// The bytes [begin, end) of a file, which are followed by their checksum.
struct ChecksummedRange {
    std::size_t begin = 0;
    std::size_t end = 0;
};

/// Returns the ranges of a file that begin with a signature of HDF5 and have a valid checksum.
[[nodiscard]] std::vector<ChecksummedRange> checksummed_ranges(const std::string& file);

/// Writes the checksum of the range's present bytes.
void update_checksum(std::string& file, const ChecksummedRange& range);

} // namespace headroom::fuzz
