// Opens HDF5 files of unknown origin. HDF5 does what such a file asks for: it follows cycles of
// links and links to other files, reads external storage and virtual datasets, and allocates far
// more than the size of the file. The functions here refuse all of this.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "trace/hdf5/library/file.hpp"

namespace headroom::trace::h5 {

/// Throws InputError if `path` is no regular file (opening a pipe would block), or does not begin
/// with an HDF5 superblock with addresses of 8 bytes.
void check_ordinary(const std::string& path);

/// A file that is open for reading. A damaged file can claim more rows than its size allows, so
/// readers announce each read with count_read(), which throws if the sum is too large.
class UntrustedFile {
  public:
    /// Throws InputError if the root group has links to other files or soft links. Throws
    /// EnvironmentError if HDF5 cannot open the file. `concurrent` is as in open_file().
    UntrustedFile(const std::string& path, bool concurrent);

    [[nodiscard]] const File& file() const { return file_; }

    /// Opens a dataset. Throws InputError if there is none, if its bytes lie in another file, or if
    /// it has filters other than deflate, shuffle and fletcher32, or huge rows or chunks.
    [[nodiscard]] Dataset dataset(const std::string& name);

    /// Must be called before `rows` rows of `row_bytes` bytes are read. Throws InputError
    /// ("damaged: …") if these rows and those of earlier calls are more than the file can hold.
    void count_read(
        const Dataset& dataset, const std::string& name, hsize_t rows, hsize_t row_bytes
    );

  private:
    File file_;
    std::uint64_t plain_ = 0;    ///< bytes counted for datasets that are not compressed
    std::uint64_t unpacked_ = 0; ///< bytes counted for compressed datasets
};

} // namespace headroom::trace::h5
