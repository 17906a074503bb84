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
    // HDF5 reads metadata with a wrong checksum again, after a wait that doubles each time. Its
    // default of 100 attempts would never end. 27 attempts take a tenth of a second, which is
    // enough for a running writer.
    constexpr unsigned kMaxAttempts = 27;
    checked(
        H5Pset_metadata_read_attempts(access.get(), kMaxAttempts), "H5Pset_metadata_read_attempts"
    );
    return access;
}

/// A write that a kill interrupts ends at a page border of the operating system. Paged allocation
/// keeps metadata that is smaller than a page within one page, so it is written completely or not.
void keep_within_pages(const Properties& creation) {
    constexpr hsize_t kPage = 4096;
    checked(
        H5Pset_file_space_strategy(creation.get(), H5F_FSPACE_STRATEGY_PAGE, false, 1),
        "H5Pset_file_space_strategy"
    );
    checked(H5Pset_file_space_page_size(creation.get(), kPage), "H5Pset_file_space_page_size");
}

/// Keeps attributes in the header of their object. The dense form would take kilobytes per object.
void keep_attributes_compact(const Properties& creation) {
    constexpr unsigned kMostInHeader = 1000;
    checked(H5Pset_attr_phase_change(creation.get(), kMostInHeader, 0), "H5Pset_attr_phase_change");
}

/// Opens a file, without locking if the file system has no locks. HDF5 itself does this only for
/// some errors of such file systems.
template <class Open>
File opened(const std::string& path, const char* call, Open open) {
    const Properties usual = access_properties(Locking::usual);
    const hid_t file = open(usual.get());
    if (file >= 0 || !is_without_locks(path)) {
        return File(checked(file, call)); // must be the next call, as any other clears the error
    }
    const Properties none = access_properties(Locking::none);
    return File(checked(open(none.get()), call));
}

Space space_of(const Dataset& dataset) {
    return Space(checked(H5Dget_space(dataset.get()), "H5Dget_space"));
}

/// The selected rows of a dataset and the memory of the same size, for one read or write.
struct Selection {
    Space file;
    Space memory;
};

Selection selection_of(const Dataset& dataset, hsize_t first, hsize_t count) {
    Selection selection{space_of(dataset), Space()};
    Extent size = extent_of(selection.file);
    select_rows(selection.file, first, count);
    size.front() = count;
    selection.memory = make_space(size);
    return selection;
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
    // With creation times the files of two equal runs would differ.
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
    const auto [file, rows] = selection_of(dataset, first, count);
    const herr_t error =
        H5Dwrite(dataset.get(), memory.get(), rows.get(), file.get(), H5P_DEFAULT, data);
    checked(error, "H5Dwrite");
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
    const auto [file, rows] = selection_of(dataset, first, count);
    const herr_t error =
        H5Dread(dataset.get(), memory.get(), rows.get(), file.get(), H5P_DEFAULT, data);
    checked(error, "H5Dread");
}

} // namespace headroom::trace::h5
