#include "model/weight_file.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>
#include <vector>

#include <fmt/format.h>

#include "base/check.hpp"
#include "base/error.hpp"
#include "model/ggml_types.hpp"
#include "model/tensor_names.hpp"

namespace headroom::model {

namespace {

std::string system_reason() {
    return std::generic_category().message(errno);
}

Bytes stored_row_bytes(const GgufTensor& tensor) {
    const GgmlType* const type = find_ggml_type(tensor.ggml_type);
    HEADROOM_CHECK(type != nullptr, "{} of type {}", tensor.name, tensor.ggml_type);
    const auto columns = static_cast<std::uint64_t>(tensor.dimensions.at(0));
    return static_cast<Bytes>(columns / type->block_elements * type->block_bytes);
}

} // namespace

WeightFile::WeightFile(const GgufFile& file, const Hyperparameters& model)
    : path_(file.path()), model_(&model),
      file_(::fcntl(file.descriptor().number(), F_DUPFD_CLOEXEC, 0)), bytes_(file.file_bytes()) {
    struct stat status = {};
    if (file_.number() < 0 || ::fstat(file_.number(), &status) != 0) {
        throw EnvironmentError(
            fmt::format("{}: cannot keep the model file open: {}", path_.string(), system_reason())
        );
    }
    modified_ = status.st_mtim;
    check_unchanged();
    for (const GgufTensor& tensor : file.tensors()) {
        if (weight_type_of(tensor.ggml_type)) {
            tensors_.emplace(
                tensor.name, Stored{tensor.ggml_type, tensor.offset, stored_row_bytes(tensor)}
            );
        }
    }
}

void WeightFile::check_unchanged() const {
    struct stat now = {};
    const bool known = ::fstat(file_.number(), &now) == 0;
    if (!known || static_cast<std::uint64_t>(now.st_size) != bytes_ ||
        now.st_mtim.tv_sec != modified_.tv_sec || now.st_mtim.tv_nsec != modified_.tv_nsec) {
        throw EnvironmentError(fmt::format(
            "{}: the model file has changed since the run began, so its weights may be others "
            "now; leave it alone while a run uses it",
            path_.string()
        ));
    }
}

void WeightFile::read_at(std::uint64_t offset, std::span<std::byte> out) const {
    while (!out.empty()) {
        const ssize_t got =
            ::pread(file_.number(), out.data(), out.size(), static_cast<off_t>(offset));
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            throw EnvironmentError(fmt::format(
                "{}: cannot read {} bytes at byte {} of the model file: {}",
                path_.string(),
                out.size(),
                offset,
                got == 0 ? "it ends before that" : system_reason()
            ));
        }
        offset += static_cast<std::uint64_t>(got);
        out = out.subspan(static_cast<std::size_t>(got));
    }
}

const WeightFile::Stored& WeightFile::stored(const std::string& tensor) const {
    const auto found = tensors_.find(tensor);
    HEADROOM_CHECK(found != tensors_.end(), "{} is not in the file", tensor);
    return found->second;
}

void WeightFile::read_norm(const BlockName& block, Slot slot, std::span<float> out) const {
    const Stored& tensor = stored(source_of(*model_, block, slot).tensor);
    const auto bytes = std::as_writable_bytes(out);
    HEADROOM_CHECK(
        tensor.ggml_type == kGgmlF32 && tensor.row_bytes == static_cast<Bytes>(bytes.size()),
        "{} has no norm of {} values in slot {}",
        to_string(block),
        out.size(),
        static_cast<int>(slot)
    );
    check_unchanged();
    read_at(tensor.offset, bytes);
}

Bytes WeightFile::read(Block& block, std::size_t i, Bytes first, Bytes bytes) const {
    const TensorSpec spec = block.spec(i);
    const TensorSource source = source_of(*model_, block.name(), spec.slot, block.cut());
    const Stored& tensor = stored(source.tensor);
    const Bytes row = row_bytes(spec.type, spec.columns);
    const std::span<std::byte> piece = block.piece(i);
    HEADROOM_CHECK(
        first >= 0 && bytes >= 0 && first + bytes <= block.piece_bytes(i),
        "{} B from {} of a piece of {} B",
        bytes,
        first,
        piece.size()
    );
    check_unchanged();
    const std::uint64_t start =
        tensor.offset +
        static_cast<std::uint64_t>((source.first_row + block.first_row(i)) * tensor.row_bytes);
    const auto at = [](Bytes n) { return static_cast<std::size_t>(n); };
    if (is_expanded(tensor.ggml_type)) {
        std::vector<std::byte> stored_row(at(tensor.row_bytes));
        Bytes end = first / row * row;
        for (; end < first + bytes; end += row) {
            read_at(start + static_cast<std::uint64_t>(end / row * tensor.row_bytes), stored_row);
            const auto out = piece.subspan(at(end), at(row));
            load_part(tensor.ggml_type, stored_row, source.first_column, out);
        }
        return std::max(end - first, bytes);
    }
    // Stored as it is computed with: straight into its place, in one go if rows are whole.
    const Bytes before = source.first_column / block_elements(spec.type) * block_bytes(spec.type);
    const Bytes step = row == tensor.row_bytes ? block.piece_bytes(i) : row;
    for (Bytes done = first; done < first + bytes;) {
        const Bytes in_row = done % step;
        const Bytes now = std::min(step - in_row, first + bytes - done);
        read_at(
            start + static_cast<std::uint64_t>(done / step * tensor.row_bytes + before + in_row),
            piece.subspan(at(done), at(now))
        );
        done += now;
    }
    return bytes;
}

void WeightFile::read(Block& block, std::size_t i) const {
    (void)read(block, i, 0, block.piece_bytes(i));
}

} // namespace headroom::model
