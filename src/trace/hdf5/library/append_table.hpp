// A dataset that grows by rows: one table of a trace while it is being written.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "trace/hdf5/library/file.hpp"

namespace headroom::trace::h5 {

struct AppendPlan {
    std::string name;
    hsize_t width = 0;           ///< of a second dimension; 0: there is none
    std::size_t usual_bytes = 0; ///< what one interval will append, as far as known: sizes chunks
};

class AppendTable {
  public:
    AppendTable() = default;
    AppendTable(const File& file, Type type, const AppendPlan& plan);

    /// `bytes` holds whole rows as the table's type says. Nothing happens for no rows.
    void append(const ByteBuffer& bytes);
    /// What was appended since the last time, to the operating system.
    void flush();
    void close();

    [[nodiscard]] bool exists() const { return dataset_.open(); }
    [[nodiscard]] std::int64_t rows() const { return static_cast<std::int64_t>(size_.front()); }
    [[nodiscard]] const Dataset& dataset() const { return dataset_; }

  private:
    void write_chunks(hsize_t first, const ByteBuffer& bytes);

    Type type_;
    Extent size_{0};
    std::size_t row_bytes_ = 0;
    hsize_t chunk_rows_ = 1;
    ByteBuffer chunk_; ///< the last one, as it is in the file
    Dataset dataset_;
    bool unflushed_ = false;
};

} // namespace headroom::trace::h5
