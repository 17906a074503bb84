// HDF5 files and datasets: create, open, grow, write and read rows, flush.
#pragma once

#include <string>

#include "trace/hdf5/library/handle.hpp"
#include "trace/hdf5/library/layout.hpp"
#include "trace/hdf5/library/type.hpp"

namespace headroom::trace::h5 {

/// A new file in the latest format, which reading while writing needs. Without `replace` the
/// file must not exist.
[[nodiscard]] File create_file(const std::string& path, bool replace);
/// From here on others may read the file, and a kill leaves it readable. No attributes and no new
/// objects afterwards.
void start_concurrent_reading(const File& file);
/// Opens for reading. `concurrent` opens what is still being written or was left by a kill.
[[nodiscard]] File open_file(const std::string& path, bool concurrent);

struct DatasetPlan {
    std::string name;
    Extent size;
    hsize_t chunk_rows = 0; ///< 0: of fixed size; else the first dimension grows
};

[[nodiscard]] Dataset create_dataset(const File& file, const Type& type, const DatasetPlan& plan);
[[nodiscard]] bool has_dataset(const File& file, const std::string& name);
[[nodiscard]] Dataset open_dataset(const File& file, const std::string& name);
[[nodiscard]] Type type_of(const Dataset& dataset);
[[nodiscard]] Extent extent_of(const Dataset& dataset);
void resize(const Dataset& dataset, const Extent& size);
/// To the operating system, raw data before the metadata that names it; not to the disk.
void flush(const Dataset& dataset);

/// Rows [first, first + count) of the first dimension; `data` holds them as `memory` says.
void write_rows(
    const Dataset& dataset, const Type& memory, hsize_t first, hsize_t count, const void* data
);
/// A whole chunk, rows from `first_row` on, past the cache and as it is: the bytes must be as the
/// dataset's type says. What of it lies beyond the dataset's size is never read.
void write_chunk(
    const Dataset& dataset, hsize_t first_row, std::size_t dimensions, const ByteBuffer& bytes
);
void read_rows(
    const Dataset& dataset, const Type& memory, hsize_t first, hsize_t count, void* data
);

} // namespace headroom::trace::h5
