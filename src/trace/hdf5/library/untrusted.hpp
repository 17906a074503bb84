// Opening files that nobody vouches for. HDF5 goes wherever a file leads it: to other files (links,
// external storage, virtual datasets), to as much memory as it claims to need, round in circles.
// Here a file may be no more than what the writer makes: tables of its own, as large as it is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "trace/hdf5/library/file.hpp"

namespace headroom::trace::h5 {

/// Throws InputError unless it is an ordinary file (a pipe would be waited for) whose first bytes
/// are those of an HDF5 file as the writer makes them.
void check_ordinary(const std::string& path);

/// A file open for reading, and how much of it may still be read.
class UntrustedFile {
  public:
    /// Throws InputError where the root leads to other files or in circles, EnvironmentError where
    /// HDF5 cannot open it. `concurrent` as for open_file.
    UntrustedFile(const std::string& path, bool concurrent);

    [[nodiscard]] const File& file() const { return file_; }

    /// Of the file's own bytes, stored one after another or in chunks, and compressed only in ways
    /// that are known. Throws InputError "damaged: …" if there is none of that name, or another.
    [[nodiscard]] Dataset dataset(const std::string& name);

    /// To be called before `rows` rows of `row_bytes` are read: throws InputError "damaged: …" if
    /// all that was read would be more than the file holds, or more than it can hold compressed.
    void claim(const Dataset& dataset, const std::string& name, hsize_t rows, hsize_t row_bytes);

  private:
    File file_;
    std::uint64_t plain_ = 0;    ///< bytes that were claimed of tables stored as they are
    std::uint64_t unpacked_ = 0; ///< of compressed ones
};

} // namespace headroom::trace::h5
