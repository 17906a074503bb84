// Functions on HDF5 files and datasets: create, open, resize, write and read rows, flush. All throw
// EnvironmentError if HDF5 fails.
#pragma once

#include <string>

#include "trace/hdf5/library/handle.hpp"
#include "trace/hdf5/library/layout.hpp"
#include "trace/hdf5/library/type.hpp"

namespace headroom::trace::h5 {

/// Creates a file in HDF5's latest format, which other programs can read while it is written
/// (SWMR). Without `replace` the file must not exist.
[[nodiscard]] File create_file(const std::string& path, bool replace);
/// Lets other programs read the file from now on, also after a kill of the writer. Attributes and
/// datasets must be added before.
void start_concurrent_reading(const File& file);
/// Opens a file for reading. `concurrent` must be true if a writer has the file open or was killed.
[[nodiscard]] File open_file(const std::string& path, bool concurrent);

struct DatasetPlan {
    std::string name;
    Extent size;
    hsize_t chunk_rows = 0; ///< rows per chunk; 0: the first dimension cannot grow
};

[[nodiscard]] Dataset create_dataset(const File& file, const Type& type, const DatasetPlan& plan);
[[nodiscard]] bool has_dataset(const File& file, const std::string& name);
[[nodiscard]] Dataset open_dataset(const File& file, const std::string& name);
[[nodiscard]] Type type_of(const Dataset& dataset);
[[nodiscard]] Extent extent_of(const Dataset& dataset);
void resize(const Dataset& dataset, const Extent& size);
/// Writes pending raw data, then metadata, to the operating system. Does not wait for the disk.
void flush(const Dataset& dataset);

/// Writes rows [first, first + count) of the first dimension. `data` has rows of type `memory`.
void write_rows(
    const Dataset& dataset, const Type& memory, hsize_t first, hsize_t count, const void* data
);
/// Writes the chunk that begins at row `first_row`, without HDF5's cache and conversions. `bytes`
/// is a whole chunk of the dataset's type. Readers ignore rows beyond the size of the dataset.
void write_chunk(
    const Dataset& dataset, hsize_t first_row, std::size_t dimensions, const ByteBuffer& bytes
);
/// Reads rows [first, first + count) of the first dimension into `data`.
void read_rows(
    const Dataset& dataset, const Type& memory, hsize_t first, hsize_t count, void* data
);

} // namespace headroom::trace::h5
