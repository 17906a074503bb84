#include "trace/hdf5/library/untrusted.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sys/stat.h>
#include <vector>

#include <fmt/format.h>

#include "base/error.hpp"

namespace headroom::trace::h5 {

namespace {

constexpr std::size_t kMostLinks = 1000;
constexpr hsize_t kMostChunkBytes = hsize_t{64} << 20;
constexpr hsize_t kMostRowBytes = hsize_t{64} << 20; // a row of /placements has 4 bytes per block
/// A compressed file may unpack to kUnpackedMinimum plus kUnpackedTimes its size. Traces of long
/// runs shrink to a tenth; deflate itself allows a factor of a thousand.
constexpr std::uint64_t kUnpackedMinimum = std::uint64_t{128} << 20;
constexpr std::uint64_t kUnpackedTimes = 32;
constexpr std::uint64_t kLargestFile = std::uint64_t{1} << 50;
/// After a kill, the size of /intervals can include rows that were not written.
constexpr std::uint64_t kUnwritten = std::uint64_t{64} << 10;

// ---- the file

/// Checks the superblock before HDF5 does, because HDF5's errors about other kinds of files say
/// little. The superblock begins with a signature and a version, and contains the sizes of
/// addresses and lengths.
void check_superblock(const std::string& path) {
    constexpr std::array<unsigned char, 8> kSignature{0x89, 'H', 'D', 'F', '\r', '\n', 0x1a, '\n'};
    std::array<unsigned char, 24> start{};
    std::ifstream file(path, std::ios::binary);
    if (!file) {
        throw_if_host_limit(errno);
        throw InputError(std::string("cannot be opened: ") + std::strerror(errno));
    }
    file.read(reinterpret_cast<char*>(start.data()), start.size());
    if (file.gcount() == 0) {
        throw InputError("is empty");
    }
    if (!std::equal(kSignature.begin(), kSignature.end(), start.begin())) {
        throw InputError("is not an HDF5 file");
    }
    const unsigned version = start[8];
    constexpr unsigned kNewest = 3;
    constexpr unsigned kFirstShort = 2; // versions 0 and 1 have other fields before the sizes
    const std::size_t sizes = version < kFirstShort ? 13 : 9;
    constexpr unsigned kWide = 8;
    if (version > kNewest || start[sizes] != kWide || start[sizes + 1] != kWide) {
        throw InputError(fmt::format(
            "cannot be read as a trace: its superblock has version {} with addresses of {} and {} "
            "bytes, expected one up to {} with {} and {}",
            version,
            start[sizes],
            start[sizes + 1],
            kNewest,
            kWide,
            kWide
        ));
    }
}

/// Returns the present size of the file, which grows while a run writes it.
std::uint64_t bytes_on_disk(const File& file) {
    void* handle = nullptr;
    checked(H5Fget_vfd_handle(file.get(), H5P_DEFAULT, &handle), "H5Fget_vfd_handle");
    struct stat status = {};
    if (handle == nullptr || fstat(*static_cast<const int*>(handle), &status) != 0) {
        throw EnvironmentError(fmt::format("its size is unknown: {}", std::strerror(errno)));
    }
    return static_cast<std::uint64_t>(status.st_size);
}

// ---- links

/// What was found in the root group.
struct Links {
    std::size_t seen = 0;
    /// The first link that is not a hard link.
    std::optional<std::pair<std::string, H5L_type_t>> other;
};

extern "C" herr_t look_at_link(hid_t, const char* name, const H5L_info_t* info, void* data) {
    auto& links = *static_cast<Links*>(data);
    if (info->type != H5L_TYPE_HARD) {
        links.other.emplace(name, info->type);
        return 1;
    }
    return ++links.seen > kMostLinks ? 1 : 0;
}

/// Returns a name of the file for a message. Control characters are replaced and long names cut
/// off.
std::string shown(const std::string& name) {
    constexpr std::size_t kMost = 80;
    std::string text;
    for (const char c : name.substr(0, kMost)) {
        const auto byte = static_cast<unsigned char>(c);
        text += byte < 0x20 || byte == 0x7f ? '?' : c;
    }
    return text;
}

/// Returns the file that an external link leads to, as " (FILE)"; empty if it is unknown.
std::string target_of(const File& file, const std::string& name) {
    std::array<char, 4096> value{};
    const char* target = nullptr;
    const char* object = nullptr;
    unsigned flags = 0;
    H5L_info_t info = {};
    const bool known =
        H5Lget_info(file.get(), name.c_str(), &info, H5P_DEFAULT) >= 0 &&
        info.u.val_size < value.size() &&
        H5Lget_val(file.get(), name.c_str(), value.data(), value.size(), H5P_DEFAULT) >= 0 &&
        H5Lunpack_elink_val(value.data(), info.u.val_size, &flags, &target, &object) >= 0;
    return known ? fmt::format(" ({})", shown(target)) : "";
}

void check_links(const File& file) {
    Links links;
    checked(
        H5Literate(file.get(), H5_INDEX_NAME, H5_ITER_INC, nullptr, look_at_link, &links),
        "H5Literate"
    );
    if (links.other && links.other->second == H5L_TYPE_SOFT) {
        throw InputError(fmt::format(
            "has a soft link /{}, expected only tables of its own", shown(links.other->first)
        ));
    }
    if (links.other) {
        throw InputError(fmt::format(
            "names another file: /{} is a link to it{}, expected everything in one file; nothing "
            "else was opened",
            shown(links.other->first),
            target_of(file, links.other->first)
        ));
    }
    if (links.seen > kMostLinks) {
        throw InputError(fmt::format("damaged: has more than {} tables", kMostLinks));
    }
}

// ---- datasets

Properties creation_of(const Dataset& dataset) {
    return Properties(checked(H5Dget_create_plist(dataset.get()), "H5Dget_create_plist"));
}

hsize_t chunk_bytes(const Properties& creation, hsize_t element) {
    std::array<hsize_t, H5S_MAX_RANK> chunk{};
    const int rank = checked(
        H5Pget_chunk(creation.get(), static_cast<int>(chunk.size()), chunk.data()), "H5Pget_chunk"
    );
    hsize_t bytes = element;
    for (int d = 0; d < rank; ++d) {
        if (__builtin_mul_overflow(bytes, chunk[static_cast<std::size_t>(d)], &bytes)) {
            return kMostChunkBytes + 1;
        }
    }
    return bytes;
}

void check_filters(const Properties& creation, const std::string& name) {
    const int filters = checked(H5Pget_nfilters(creation.get()), "H5Pget_nfilters");
    for (int i = 0; i < filters; ++i) {
        unsigned flags = 0;
        std::size_t values = 0;
        const H5Z_filter_t filter = H5Pget_filter2(
            creation.get(), static_cast<unsigned>(i), &flags, &values, nullptr, 0, nullptr, nullptr
        );
        if (filter != H5Z_FILTER_DEFLATE && filter != H5Z_FILTER_SHUFFLE &&
            filter != H5Z_FILTER_FLETCHER32) {
            throw InputError(fmt::format(
                "/{} is stored through filter {}, expected none, or deflate, shuffle or "
                "fletcher32; "
                "copy it with h5repack -f NONE",
                name,
                filter
            ));
        }
    }
}

/// Checks how a dataset is stored. Must be called before any call by which HDF5 accesses its bytes.
void check_layout(const Dataset& dataset, const std::string& name) {
    const Properties creation = creation_of(dataset);
    const H5D_layout_t layout = H5Pget_layout(creation.get());
    if (layout == H5D_VIRTUAL) {
        throw InputError(fmt::format(
            "/{} is put together from other tables or files (virtual), expected its own rows", name
        ));
    }
    if (layout != H5D_CONTIGUOUS && layout != H5D_CHUNKED && layout != H5D_COMPACT) {
        throw InputError(fmt::format("damaged: /{} is stored in an unknown way", name));
    }
    if (checked(H5Pget_external_count(creation.get()), "H5Pget_external_count") > 0) {
        throw InputError(fmt::format(
            "names another file: the rows of /{} are in it, expected everything in one file; "
            "nothing else was opened",
            name
        ));
    }
    check_filters(creation, name);
    const hsize_t element = size_of(type_of(dataset));
    if (element > kMostRowBytes ||
        (layout == H5D_CHUNKED && chunk_bytes(creation, element) > kMostChunkBytes)) {
        throw InputError(fmt::format("damaged: /{} claims huge rows or chunks", name));
    }
}

bool is_compressed(const Dataset& dataset) {
    return checked(H5Pget_nfilters(creation_of(dataset).get()), "H5Pget_nfilters") > 0;
}

} // namespace

void check_ordinary(const std::string& path) {
    std::error_code unknown;
    const std::filesystem::file_status status = std::filesystem::status(path, unknown);
    if (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status)) {
        throw InputError(
            std::filesystem::is_directory(status) ? "is a directory" : "is no ordinary file"
        );
    }
    check_superblock(path);
}

UntrustedFile::UntrustedFile(const std::string& path, bool concurrent) {
    check_ordinary(path);
    file_ = open_file(path, concurrent);
    check_links(file_);
}

Dataset UntrustedFile::dataset(const std::string& name) {
    if (!has_dataset(file_, name)) {
        throw InputError(fmt::format("damaged: there is no /{}", name));
    }
    Dataset dataset = open_dataset(file_, name);
    check_layout(dataset, name);
    return dataset;
}

void UntrustedFile::count_read(
    const Dataset& dataset, const std::string& name, hsize_t rows, hsize_t row_bytes
) {
    const bool compressed = is_compressed(dataset);
    const std::uint64_t file_bytes = bytes_on_disk(file_);
    const std::uint64_t limit =
        compressed ? kUnpackedMinimum + std::min(file_bytes, kLargestFile) * kUnpackedTimes
                   : file_bytes + kUnwritten;
    std::uint64_t& counted = compressed ? unpacked_ : plain_;
    std::uint64_t bytes = 0;
    if (__builtin_mul_overflow(rows, row_bytes, &bytes) ||
        __builtin_add_overflow(counted, bytes, &counted) || counted > limit) {
        throw InputError(fmt::format(
            "damaged: with the {} rows of /{} it would hold more than its {} bytes can{}",
            rows,
            name,
            file_bytes,
            compressed ? " compressed" : ""
        ));
    }
}

} // namespace headroom::trace::h5
