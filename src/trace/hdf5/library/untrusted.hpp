// Opens HDF5 files of unknown origin. HDF5 follows everything that a file asks for: links to other
// files, external storage, virtual datasets, cycles of links, and sizes far beyond that of the
// file. The functions here refuse everything that the trace writer does not produce.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "trace/hdf5/library/file.hpp"

namespace headroom::trace::h5 {

/// Throws InputError unless `path` is a regular file that begins like an HDF5 file of the trace
/// writer. Opening a pipe would block, so other kinds of files are refused.
void check_ordinary(const std::string& path);

/// A file that is open for reading. Counts the bytes that are read, to refuse more bytes than the
/// file can hold.
class UntrustedFile {
  public:
    /// Throws InputError if the root group has links to other files or soft links. Throws
    /// EnvironmentError if HDF5 cannot open the file. `concurrent`: see open_file().
    UntrustedFile(const std::string& path, bool concurrent);

    [[nodiscard]] const File& file() const { return file_; }

    /// Opens a dataset. Throws InputError if it does not exist, if its bytes lie outside the file,
    /// or if it uses filters other than deflate, shuffle and fletcher32.
    [[nodiscard]] Dataset dataset(const std::string& name);

    /// Must be called before `rows` rows of `row_bytes` bytes are read. Throws InputError
    /// ("damaged: …") if all rows counted so far are more than the file can hold.
    void count_read(
        const Dataset& dataset, const std::string& name, hsize_t rows, hsize_t row_bytes
    );

  private:
    File file_;
    std::uint64_t plain_ = 0;    ///< bytes counted for datasets that are not compressed
    std::uint64_t unpacked_ = 0; ///< bytes counted for compressed datasets
};

} // namespace headroom::trace::h5
