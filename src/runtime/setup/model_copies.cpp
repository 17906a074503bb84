#include "runtime/setup/model_copies.hpp"

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <sys/stat.h>
#include <system_error>

#include <fmt/format.h>

#include "base/error.hpp"

namespace headroom::runtime {

namespace {

/// Returns the boot id, which is random. Two hosts can have the same name, and cloned disks the
/// same inode numbers.
std::string boot_id() {
    std::ifstream file("/proc/sys/kernel/random/boot_id");
    std::string id;
    file >> id;
    return id;
}

bool same_file(const ModelCopy& a, const ModelCopy& b) {
    return !a.machine.empty() && a.machine == b.machine && a.volume == b.volume && a.file == b.file;
}

/// Returns for each device the device that hashes its file.
DeviceList hasher_of_each(std::span<const ModelCopy> copies) {
    DeviceList hasher;
    for (std::size_t d = 0; d < copies.size(); ++d) {
        std::size_t first = 0;
        while (first < d && !same_file(copies[first], copies[d])) {
            ++first;
        }
        hasher.push_back(first);
    }
    return hasher;
}

} // namespace

ModelCopy model_copy_at(const std::filesystem::path& path) {
    struct stat status = {};
    if (::stat(path.c_str(), &status) != 0) {
        throw InputError(fmt::format(
            "{}: cannot read the model file: {}",
            path.string(),
            std::generic_category().message(errno)
        ));
    }
    return {
        path.string(),
        boot_id(),
        static_cast<std::uint64_t>(status.st_dev),
        static_cast<std::uint64_t>(status.st_ino),
        static_cast<std::uint64_t>(status.st_size),
        {},
    };
}

DeviceList hashing_devices(std::span<const ModelCopy> copies) {
    const DeviceList hasher = hasher_of_each(copies);
    DeviceList first;
    for (std::size_t d = 0; d < copies.size(); ++d) {
        if (hasher[d] == d) {
            first.push_back(d);
        }
    }
    return first;
}

std::string difference_of_copies(
    std::span<const ModelCopy> copies, std::span<const std::string> hosts
) {
    const DeviceList hasher = hasher_of_each(copies);
    struct Kind {
        const ModelCopy* copy;
        DeviceList devices;
    };
    std::vector<Kind> kinds;
    for (std::size_t d = 0; d < copies.size(); ++d) {
        const ModelCopy& copy = copies[hasher[d]];
        auto kind = std::find_if(kinds.begin(), kinds.end(), [&](const Kind& k) {
            return k.copy->hash == copy.hash && k.copy->path == copy.path;
        });
        if (kind == kinds.end()) {
            kind = kinds.insert(kinds.end(), {&copy, {}});
        }
        kind->devices.push_back(d);
    }
    const bool same = std::all_of(kinds.begin(), kinds.end(), [&](const Kind& kind) {
        return kind.copy->hash == kinds.front().copy->hash;
    });
    if (same) {
        return "";
    }
    std::string text = "the model file is not the same everywhere:";
    for (const Kind& kind : kinds) {
        text += fmt::format(
            "\n  {}: {}, {} bytes, hash {}",
            fleet_text(hosts, kind.devices),
            kind.copy->path,
            kind.copy->bytes,
            kind.copy->hash
        );
    }
    return text + "\n  copy the right one over the others (xxhsum -H1 FILE prints this hash)";
}

} // namespace headroom::runtime
