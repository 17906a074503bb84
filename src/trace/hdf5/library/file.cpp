#include "trace/hdf5/library/file.hpp"

#include "trace/hdf5/library/lock.hpp"

namespace headroom::trace::h5 {

namespace {

Properties make_properties(hid_t kind) {
    return Properties(checked(H5Pcreate(kind), "H5Pcreate"));
}

enum class Locking { usual, none };

Properties access_properties([[maybe_unused]] Locking locking) {
    Properties access = make_properties(H5P_FILE_ACCESS);
    checked(
        H5Pset_libver_bounds(access.get(), H5F_LIBVER_LATEST, H5F_LIBVER_LATEST),
        "H5Pset_libver_bounds"
    );
#if H5_VERSION_GE(1, 10, 7)
    checked(
        H5Pset_file_locking(access.get(), locking == Locking::usual, true), "H5Pset_file_locking"
    );
#endif
    // HDF5 reads a torn piece of metadata again and again, each time after twice the wait, and its
    // own limit of 100 attempts is for ever. 27 take a tenth of a second; a writer that lives is
    // faster.
    constexpr unsigned kMostAttempts = 27;
    checked(
        H5Pset_metadata_read_attempts(access.get(), kMostAttempts), "H5Pset_metadata_read_attempts"
    );
    return access;
}

/// A write that a kill interrupts ends between two pages of the operating system. Paged allocation
/// keeps every piece of metadata that is smaller than a page within one, so that none is ever torn.
void keep_within_pages(const Properties& creation) {
    constexpr hsize_t kPage = 4096;
    checked(
        H5Pset_file_space_strategy(creation.get(), H5F_FSPACE_STRATEGY_PAGE, false, 1),
        "H5Pset_file_space_strategy"
    );
    checked(H5Pset_file_space_page_size(creation.get(), kPage), "H5Pset_file_space_page_size");
}

/// Attributes stay in the object's header: the dense form costs kilobytes per object.
void keep_attributes_compact(const Properties& creation) {
    constexpr unsigned kMostInHeader = 1000;
    checked(H5Pset_attr_phase_change(creation.get(), kMostInHeader, 0), "H5Pset_attr_phase_change");
}

/// Opens as usual and, on a file system whose locks fail, without: HDF5 forgives only those that do
/// not know what a lock is.
template <class Open>
File opened(const std::string& path, const char* call, Open open) {
    const Properties usual = access_properties(Locking::usual);
    const hid_t file = open(usual.get());
    if (file >= 0 || !is_without_locks(path)) {
        return File(checked(file, call)); // before any other call, which would clear the reasons
    }
    const Properties none = access_properties(Locking::none);
    return File(checked(open(none.get()), call));
}

Space space_of(const Dataset& dataset) {
    return Space(checked(H5Dget_space(dataset.get()), "H5Dget_space"));
}

/// Shapes of one read or write: a slab of the file, and as much memory.
struct Slab {
    Space file;
    Space memory;
};

Slab slab_of(const Dataset& dataset, hsize_t first, hsize_t count) {
    Slab slab{space_of(dataset), Space()};
    Extent size = extent_of(slab.file);
    select_rows(slab.file, first, count);
    size.front() = count;
    slab.memory = make_space(size);
    return slab;
}

} // namespace

File create_file(const std::string& path, bool replace) {
    const Properties creation = make_properties(H5P_FILE_CREATE);
    keep_attributes_compact(creation);
    keep_within_pages(creation);
    return opened(path, "H5Fcreate", [&](hid_t access) {
        return H5Fcreate(
            path.c_str(), replace ? H5F_ACC_TRUNC : H5F_ACC_EXCL, creation.get(), access
        );
    });
}

void start_concurrent_reading(const File& file) {
    checked(H5Fstart_swmr_write(file.get()), "H5Fstart_swmr_write");
}

File open_file(const std::string& path, bool concurrent) {
    const unsigned flags = H5F_ACC_RDONLY | (concurrent ? H5F_ACC_SWMR_READ : 0U);
    return opened(path, "H5Fopen", [&](hid_t access) {
        return H5Fopen(path.c_str(), flags, access);
    });
}

Dataset create_dataset(const File& file, const Type& type, const DatasetPlan& plan) {
    const Properties creation = make_properties(H5P_DATASET_CREATE);
    keep_attributes_compact(creation);
    // Times of creation would make two equal runs' files differ.
    checked(H5Pset_obj_track_times(creation.get(), false), "H5Pset_obj_track_times");
    if (plan.chunk_rows > 0) {
        Extent chunk = plan.size;
        chunk.front() = plan.chunk_rows;
        checked(
            H5Pset_chunk(creation.get(), static_cast<int>(chunk.size()), chunk.data()),
            "H5Pset_chunk"
        );
    }
    const Space space = make_space(plan.size, plan.chunk_rows > 0);
    return Dataset(checked(
        H5Dcreate2(
            file.get(),
            plan.name.c_str(),
            type.get(),
            space.get(),
            H5P_DEFAULT,
            creation.get(),
            H5P_DEFAULT
        ),
        "H5Dcreate2"
    ));
}

bool has_dataset(const File& file, const std::string& name) {
    return checked(H5Lexists(file.get(), name.c_str(), H5P_DEFAULT), "H5Lexists") > 0;
}

Dataset open_dataset(const File& file, const std::string& name) {
    return Dataset(checked(H5Dopen2(file.get(), name.c_str(), H5P_DEFAULT), "H5Dopen2"));
}

Type type_of(const Dataset& dataset) {
    return Type(checked(H5Dget_type(dataset.get()), "H5Dget_type"));
}

Extent extent_of(const Dataset& dataset) {
    return extent_of(space_of(dataset));
}

void resize(const Dataset& dataset, const Extent& size) {
    checked(H5Dset_extent(dataset.get(), size.data()), "H5Dset_extent");
}

void flush(const Dataset& dataset) {
    checked(H5Dflush(dataset.get()), "H5Dflush");
}

void write_rows(
    const Dataset& dataset, const Type& memory, hsize_t first, hsize_t count, const void* data
) {
    const Slab slab = slab_of(dataset, first, count);
    checked(
        H5Dwrite(
            dataset.get(), memory.get(), slab.memory.get(), slab.file.get(), H5P_DEFAULT, data
        ),
        "H5Dwrite"
    );
}

void write_chunk(
    const Dataset& dataset, hsize_t first_row, std::size_t dimensions, const ByteBuffer& bytes
) {
    Extent offset(dimensions, 0);
    offset.front() = first_row;
    checked(
        H5Dwrite_chunk(dataset.get(), H5P_DEFAULT, 0, offset.data(), bytes.size(), bytes.data()),
        "H5Dwrite_chunk"
    );
}

void read_rows(
    const Dataset& dataset, const Type& memory, hsize_t first, hsize_t count, void* data
) {
    const Slab slab = slab_of(dataset, first, count);
    checked(
        H5Dread(dataset.get(), memory.get(), slab.memory.get(), slab.file.get(), H5P_DEFAULT, data),
        "H5Dread"
    );
}

} // namespace headroom::trace::h5
