// A dataset to which rows can be appended: one table of a trace that is being written.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "trace/hdf5/library/file.hpp"

namespace headroom::trace::h5 {

struct AppendPlan {
    std::string name;
    hsize_t width = 0; ///< size of the second dimension; 0: there is only one
    /// Expected bytes of the rows of one interval. A chunk of the dataset gets about this size.
    std::size_t usual_bytes = 0;
};

class AppendTable {
  public:
    AppendTable() = default;
    AppendTable(const File& file, Type type, const AppendPlan& plan);

    /// Appends rows. `bytes` holds whole rows of the table's type, or nothing.
    void append(const ByteBuffer& bytes);
    /// Writes the rows appended since the last flush to the operating system.
    void flush();
    void close();

    [[nodiscard]] std::int64_t rows() const { return static_cast<std::int64_t>(size_.front()); }
    [[nodiscard]] const Dataset& dataset() const { return dataset_; }

  private:
    void write_chunks(hsize_t first, const ByteBuffer& bytes);

    Type type_;
    Extent size_{0};
    std::size_t row_bytes_ = 0;
    hsize_t chunk_rows_ = 1;
    ByteBuffer chunk_; ///< bytes of the last chunk in the file
    Dataset dataset_;
    bool unflushed_ = false;
};

} // namespace headroom::trace::h5
