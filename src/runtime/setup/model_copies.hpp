// Every host reads its own copy of the model. That they are the same is checked by hash, and each
// file is hashed once however many devices read it. Pure, but for copy_at.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "runtime/setup/places.hpp"

namespace headroom::runtime {

/// The file that a device has opened. Two devices with the same machine, volume and file read the
/// same bytes.
struct ModelCopy {
    std::string path;
    std::string machine; ///< the running kernel's boot id; empty: unknown
    std::uint64_t volume = 0;
    std::uint64_t file = 0;
    std::uint64_t bytes = 0;
    std::string hash; ///< empty: not this device's task
};

/// Without the hash. Throws InputError if the file is gone.
[[nodiscard]] ModelCopy copy_at(const std::filesystem::path& path);

/// The first device of every file, ascending: who hashes. A device on an unknown machine does.
[[nodiscard]] DeviceList hashers(std::span<const ModelCopy> copies);

/// "", or what is different where, one line each. copies: per device, those of hashers() with
/// their hash. hosts: per device, or empty.
[[nodiscard]] std::string difference_of_copies(
    std::span<const ModelCopy> copies, std::span<const std::string> hosts
);

} // namespace headroom::runtime
