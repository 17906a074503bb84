// Compares the copies of the model file on different hosts by hash. Each file is hashed once, by
// the device with the lowest id that opened it. The caller computes the hashes.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

#include "base/wire.hpp"
#include "runtime/setup/host_text.hpp"

namespace headroom::runtime {

/// The model file that one device has opened. Two devices with the same machine, volume and file
/// number read the same file.
struct ModelCopy {
    std::string path;
    std::string machine;      ///< boot id of the operating system; empty: unknown
    std::uint64_t volume = 0; ///< device number of the file system
    std::uint64_t file = 0;   ///< inode number
    std::uint64_t bytes = 0;
    std::string hash; ///< empty: another device hashes the file
    static auto wire_fields(auto& m) {
        return Fields() & m.path & m.machine & m.volume & m.file & m.bytes & m.hash;
    }
};

/// Returns the copy at this path, without its hash. Throws InputError if the file cannot be read.
[[nodiscard]] ModelCopy model_copy_at(const std::filesystem::path& path);

/// Returns the devices that must hash their file, ascending: for each file the device with the
/// lowest id that has opened it, and every device whose machine is unknown.
[[nodiscard]] DeviceList hashing_devices(std::span<const ModelCopy> copies);

/// Returns "" if all hashes are equal, else a text with a line per different copy. copies: one per
/// device, with a hash for those of hashing_devices(). hosts: the host of each device, or empty.
[[nodiscard]] std::string difference_of_copies(
    std::span<const ModelCopy> copies, std::span<const std::string> hosts
);

} // namespace headroom::runtime
