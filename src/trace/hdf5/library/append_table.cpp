#include "trace/hdf5/library/append_table.hpp"

#include <algorithm>

#include "base/check.hpp"

namespace headroom::trace::h5 {

namespace {

/// Returns the rows of a chunk, which is the unit of writing and of the file's growth. A chunk
/// holds about the rows of one interval, within limits that suit both short and long runs.
hsize_t chunk_rows(std::size_t row_bytes, std::size_t usual_bytes) {
    constexpr std::size_t kSmallest = 2048;
    constexpr std::size_t kLargest = 65536;
    const std::size_t bytes = std::clamp(usual_bytes, kSmallest, kLargest);
    return std::max<std::size_t>(1, bytes / row_bytes);
}

} // namespace

AppendTable::AppendTable(const File& file, Type type, const AppendPlan& plan)
    : type_(std::move(type)), row_bytes_(size_of(type_)) {
    if (plan.width > 0) {
        size_.push_back(plan.width);
        row_bytes_ *= plan.width;
    }
    chunk_rows_ = chunk_rows(row_bytes_, plan.usual_bytes);
    dataset_ = create_dataset(file, type_, {plan.name, size_, chunk_rows_});
}

void AppendTable::append(const ByteBuffer& bytes) {
    HEADROOM_CHECK(bytes.size() % row_bytes_ == 0, "{} of {}", bytes.size(), row_bytes_);
    const hsize_t count = bytes.size() / row_bytes_;
    if (count == 0) {
        return;
    }
    const hsize_t first = size_.front();
    size_.front() += count;
    resize(dataset_, size_);
    write_chunks(first, bytes);
    unflushed_ = true;
}

/// Writes whole chunks. A last chunk that is not full is written again with the rows that follow.
void AppendTable::write_chunks(hsize_t first, const ByteBuffer& bytes) {
    const std::size_t chunk_bytes = chunk_rows_ * row_bytes_;
    std::size_t offset = first % chunk_rows_ * row_bytes_;
    hsize_t start = first / chunk_rows_ * chunk_rows_;
    for (std::size_t done = 0; done < bytes.size(); start += chunk_rows_, offset = 0) {
        if (offset == 0) {
            chunk_.assign(chunk_bytes, std::byte{});
        }
        const std::size_t count = std::min(chunk_bytes - offset, bytes.size() - done);
        std::copy_n(
            bytes.begin() + static_cast<std::ptrdiff_t>(done),
            count,
            chunk_.begin() + static_cast<std::ptrdiff_t>(offset)
        );
        write_chunk(dataset_, start, size_.size(), chunk_);
        done += count;
    }
}

void AppendTable::flush() {
    if (unflushed_) {
        h5::flush(dataset_);
        unflushed_ = false;
    }
}

void AppendTable::close() {
    dataset_.close();
    type_.close();
}

} // namespace headroom::trace::h5
