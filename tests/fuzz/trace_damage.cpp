#include "fuzz/trace_damage.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include <hdf5.h>

namespace headroom::fuzz {

namespace {

// Owns an id of HDF5. Errors of HDF5 calls are ignored in this file, because some changes cannot be
// made.
template <herr_t (*Close)(hid_t)>
class Id {
  public:
    explicit Id(hid_t id) : id_(id) {}
    Id(const Id&) = delete;
    Id& operator=(const Id&) = delete;
    ~Id() {
        if (id_ >= 0) {
            Close(id_);
        }
    }
    operator hid_t() const { return id_; } // NOLINT(google-explicit-constructor): as C would

  private:
    hid_t id_;
};

using FileId = Id<H5Fclose>;
using DatasetId = Id<H5Dclose>;
using TypeId = Id<H5Tclose>;
using SpaceId = Id<H5Sclose>;
using PropertiesId = Id<H5Pclose>;
using AttributeId = Id<H5Aclose>;

constexpr std::array kTables{"devices",   "links",       "blocks",     "model",      "layers",
                             "prompts",   "intervals",   "resources",  "link_state", "migrations",
                             "turns",     "tokens",      "requests",   "ops",        "messages",
                             "events",    "input_files", "placements", "complete",   "scenario",
                             "text_pool", "input_pool"};

template <class Items>
auto one_of(const Items& items, Random& random) {
    return items[random.below(items.size())];
}

hid_t open_for_writing(const std::string& path) {
    const PropertiesId access(H5Pcreate(H5P_FILE_ACCESS));
    H5Pset_libver_bounds(access, H5F_LIBVER_LATEST, H5F_LIBVER_LATEST);
    return H5Fopen(path.c_str(), H5F_ACC_RDWR, access);
}

// ---- values

std::int64_t extreme(Random& random) {
    constexpr std::array kValues{
        std::int64_t{0},
        std::int64_t{1},
        std::int64_t{-1},
        std::int64_t{-2},
        std::int64_t{INT32_MAX},
        std::int64_t{INT32_MIN},
        std::int64_t{1} << 32,
        std::int64_t{1} << 40,
        std::int64_t{1} << 53,
        std::int64_t{1'000'000'000'000'000'000},
        std::int64_t{1} << 62,
        INT64_MAX,
        INT64_MAX - 1,
        INT64_MIN,
    };
    return one_of(kValues, random);
}

std::int64_t changed(std::int64_t value, bool slightly, Random& random) {
    switch (random.below(slightly ? 4 : 7)) {
    case 0:
        return value == INT64_MAX ? value : value + 1;
    case 1:
        return value > 0 ? value - 1 : value;
    case 2:
        return value / 2;
    case 3:
        return static_cast<std::int64_t>(random.below(4));
    case 4:
        return static_cast<std::int64_t>(random.bits() >> random.below(64));
    default:
        return extreme(random);
    }
}

/// The numbers of a random integer column, or of a dataset of numbers, as 64-bit integers.
class Numbers {
  public:
    explicit Numbers(hid_t dataset, Random& random) : dataset_(dataset) {
        const TypeId type(H5Dget_type(dataset));
        const SpaceId space(H5Dget_space(dataset));
        const hssize_t count = H5Sget_simple_extent_npoints(space);
        constexpr hssize_t kMax = 1 << 20;
        if (count <= 0 || count > kMax) {
            return;
        }
        memory_ = H5Tcopy(H5T_NATIVE_INT64);
        if (H5Tget_class(type) == H5T_COMPOUND) {
            const auto member =
                static_cast<unsigned>(random.below(static_cast<std::uint64_t>(H5Tget_nmembers(type))
                ));
            if (H5Tget_member_class(type, member) != H5T_INTEGER) {
                return;
            }
            char* const name = H5Tget_member_name(type, member);
            const TypeId number(memory_);
            memory_ = H5Tcreate(H5T_COMPOUND, sizeof(std::int64_t));
            H5Tinsert(memory_, name, 0, number);
            H5free_memory(name);
        }
        values_.resize(static_cast<std::size_t>(count));
        if (H5Dread(dataset_, memory_, H5S_ALL, H5S_ALL, H5P_DEFAULT, values_.data()) < 0) {
            values_.clear();
        }
    }
    Numbers(const Numbers&) = delete;
    Numbers& operator=(const Numbers&) = delete;
    ~Numbers() {
        if (memory_ >= 0) {
            H5Tclose(memory_);
        }
    }

    void change(bool slightly, Random& random) {
        if (values_.empty()) {
            return;
        }
        if (!slightly && random.below(4) == 0) {
            const std::int64_t value = extreme(random);
            for (std::int64_t& v : values_) {
                v = value;
            }
        } else {
            std::int64_t& v = values_[random.below(values_.size())];
            v = changed(v, slightly, random);
        }
        H5Dwrite(dataset_, memory_, H5S_ALL, H5S_ALL, H5P_DEFAULT, values_.data());
    }

  private:
    hid_t dataset_;
    hid_t memory_ = -1;
    std::vector<std::int64_t> values_;
};

void change_numbers(hid_t file, bool slightly, Random& random) {
    const DatasetId dataset(H5Dopen2(file, one_of(kTables, random), H5P_DEFAULT));
    if (dataset >= 0) {
        Numbers(dataset, random).change(slightly, random);
    }
}

// ---- tables

void resize(hid_t file, Random& random) {
    const DatasetId dataset(H5Dopen2(file, one_of(kTables, random), H5P_DEFAULT));
    const SpaceId space(H5Dget_space(dataset));
    std::array<hsize_t, H5S_MAX_RANK> size{};
    if (dataset < 0 || H5Sget_simple_extent_dims(space, size.data(), nullptr) < 1) {
        return;
    }
    const std::array<hsize_t, 8> sizes{
        0,
        1,
        size[0] + 1,
        size[0] > 0 ? size[0] - 1 : 0,
        2 * size[0],
        hsize_t{1} << 33,
        hsize_t{1} << 62,
        random.below(100)};
    size[0] = one_of(sizes, random);
    H5Dset_extent(dataset, size.data());
}

void replace_by_link(hid_t file, const std::string& other, const char* name, Random& random) {
    H5Ldelete(file, name, H5P_DEFAULT);
    const char* const target = one_of(kTables, random);
    switch (random.below(6)) {
    case 0:
        H5Lcreate_soft(target, file, name, H5P_DEFAULT, H5P_DEFAULT);
        break;
    case 1:
        H5Lcreate_soft(name, file, name, H5P_DEFAULT, H5P_DEFAULT);
        break;
    case 2:
        H5Lcreate_external(other.c_str(), name, file, name, H5P_DEFAULT, H5P_DEFAULT);
        break;
    case 3:
        H5Lcreate_hard(file, "/", file, name, H5P_DEFAULT, H5P_DEFAULT);
        break;
    default:
        H5Lcreate_hard(file, target, file, name, H5P_DEFAULT, H5P_DEFAULT);
        break;
    }
}

hid_t random_type(hid_t old, Random& random) {
    switch (random.below(8)) {
    case 0:
        return H5Tcopy(H5T_NATIVE_DOUBLE);
    case 1:
        return H5Tcopy(H5T_STD_I32BE);
    case 2: {
        const hid_t type = H5Tcopy(H5T_C_S1);
        H5Tset_size(type, random.below(2) == 0 ? H5T_VARIABLE : 1 + random.below(300'000));
        return type;
    }
    case 3:
        return H5Tvlen_create(old);
    case 4: {
        const hsize_t size = 1 + random.below(1000);
        return H5Tarray_create2(old, 1, &size);
    }
    case 5:
        return H5Tcopy(H5T_STD_REF_OBJ);
    case 6: {
        const hid_t type = H5Tcreate(H5T_OPAQUE, 1 + random.below(1 << 20));
        H5Tset_tag(type, "odd");
        return type;
    }
    default:
        return H5Tcopy(old);
    }
}

void set_random_storage(
    hid_t creation, int rank, hsize_t first, const std::string& other, Random& random
) {
    std::array<hsize_t, H5S_MAX_RANK> chunk{};
    chunk.fill(1);
    const std::array<hsize_t, 5> rows{
        1, 1 + random.below(100), hsize_t{1} << 20, hsize_t{1} << 31, std::max<hsize_t>(1, first)};
    chunk[0] = one_of(rows, random);
    switch (random.below(8)) {
    case 0:
        H5Pset_layout(creation, H5D_COMPACT);
        break;
    case 1:
        H5Pset_external(creation, other.c_str(), 0, H5F_UNLIMITED);
        break;
    case 2:
        break;
    default:
        H5Pset_chunk(creation, rank, chunk.data());
        break;
    }
    switch (random.below(7)) {
    case 0:
        H5Pset_shuffle(creation);
        H5Pset_deflate(creation, 6);
        break;
    case 1:
        H5Pset_deflate(creation, 9);
        break;
    case 2:
        H5Pset_fletcher32(creation);
        break;
    case 3:
        H5Pset_scaleoffset(creation, H5Z_SO_INT, 3);
        break;
    case 4:
        H5Pset_filter(
            creation,
            static_cast<H5Z_filter_t>(256 + random.below(40'000)),
            H5Z_FLAG_OPTIONAL,
            0,
            nullptr
        );
        break;
    default:
        break;
    }
}

/// Replaces a dataset by one with another type, size or storage, and the same contents if they fit.
void replace_dataset(hid_t file, const std::string& other, const char* name, Random& random) {
    std::vector<std::byte> contents;
    hid_t type = -1;
    std::array<hsize_t, H5S_MAX_RANK> size{};
    int rank = 1;
    {
        const DatasetId old(H5Dopen2(file, name, H5P_DEFAULT));
        if (old < 0) {
            return;
        }
        const TypeId old_type(H5Dget_type(old));
        const SpaceId space(H5Dget_space(old));
        rank = std::max(1, H5Sget_simple_extent_dims(space, size.data(), nullptr));
        const auto points = static_cast<std::size_t>(H5Sget_simple_extent_npoints(space));
        contents.resize(std::min<std::size_t>(points * H5Tget_size(old_type), 1 << 24) + 1);
        H5Dread(old, old_type, H5S_ALL, H5S_ALL, H5P_DEFAULT, contents.data());
        type = random.below(3) > 0 ? H5Tcopy(old_type) : random_type(old_type, random);
    }
    const TypeId owned(type);
    const bool resized = random.below(3) == 0;
    if (resized) {
        const std::array<hsize_t, 5> sizes{
            0, 1, random.below(1000), hsize_t{1} << 24, hsize_t{1} << 36};
        size[0] = one_of(sizes, random);
    }
    const PropertiesId creation(H5Pcreate(H5P_DATASET_CREATE));
    H5Pset_obj_track_times(creation, 0);
    H5Pset_fill_time(creation, H5D_FILL_TIME_IFSET);
    H5Pset_alloc_time(creation, resized ? H5D_ALLOC_TIME_LATE : H5D_ALLOC_TIME_DEFAULT);
    const SpaceId space(H5Screate_simple(rank, size.data(), nullptr));
    if (random.below(6) == 0) {
        H5Pset_virtual(creation, space, random.below(2) == 0 ? "." : other.c_str(), name, space);
    } else {
        set_random_storage(creation, rank, size[0], other, random);
    }
    H5Ldelete(file, name, H5P_DEFAULT);
    const DatasetId created(H5Dcreate2(file, name, type, space, H5P_DEFAULT, creation, H5P_DEFAULT)
    );
    if (created >= 0 && !resized && H5Pget_layout(creation) != H5D_VIRTUAL &&
        H5Pget_external_count(creation) == 0) {
        H5Dwrite(created, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, contents.data());
    }
}

// ---- attributes

extern "C" herr_t append_attribute_name(hid_t, const char* name, const H5A_info_t*, void* data) {
    static_cast<std::vector<std::string>*>(data)->emplace_back(name);
    return 0;
}

void change_attribute(hid_t object, Random& random) {
    std::vector<std::string> names;
    H5Aiterate2(object, H5_INDEX_NAME, H5_ITER_INC, nullptr, append_attribute_name, &names);
    if (names.empty()) {
        return;
    }
    const std::string name = one_of(names, random);
    H5Adelete(object, name.c_str());
    const std::uint64_t kind = random.below(5);
    if (kind == 0) {
        return;
    }
    const TypeId type(kind < 3 ? H5Tcopy(H5T_NATIVE_INT64) : random_type(H5T_NATIVE_INT, random));
    const hsize_t size = random.below(2000);
    const SpaceId space(kind == 4 ? H5Screate_simple(1, &size, nullptr) : H5Screate(H5S_SCALAR));
    const AttributeId created(
        H5Acreate2(object, name.c_str(), type, space, H5P_DEFAULT, H5P_DEFAULT)
    );
    if (kind < 3) {
        const std::int64_t value =
            kind == 1 ? extreme(random) : static_cast<std::int64_t>(random.below(7));
        H5Awrite(created, H5T_NATIVE_INT64, &value);
    }
}

void change_random_attribute(hid_t file, Random& random) {
    if (random.below(2) == 0) {
        change_attribute(file, random);
        return;
    }
    const DatasetId dataset(H5Dopen2(file, one_of(kTables, random), H5P_DEFAULT));
    if (dataset >= 0) {
        change_attribute(dataset, random);
    }
}

void damage_once(hid_t file, const std::string& other, Random& random) {
    const char* const name = one_of(kTables, random);
    switch (random.below(12)) {
    case 0:
        H5Ldelete(file, name, H5P_DEFAULT);
        break;
    case 1:
    case 2:
        resize(file, random);
        break;
    case 3:
        replace_by_link(file, other, name, random);
        break;
    case 4:
    case 5:
    case 6:
        replace_dataset(file, other, name, random);
        break;
    case 7:
        change_random_attribute(file, random);
        break;
    default:
        change_numbers(file, false, random);
        break;
    }
}

} // namespace

void damage_trace(const std::string& path, const std::string& other, Random& random) {
    H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
    const FileId file(open_for_writing(path));
    if (file >= 0) {
        for (std::uint64_t changes = 1 + random.below(3); changes > 0; --changes) {
            damage_once(file, other, random);
        }
    }
}

void nudge_trace(const std::string& path, Random& random) {
    H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
    const FileId file(open_for_writing(path));
    if (file >= 0) {
        for (std::uint64_t nudges = 1 + random.below(3); nudges > 0; --nudges) {
            change_numbers(file, true, random);
        }
    }
}

} // namespace headroom::fuzz
