#include "model/decoder/weight_file.hpp"

#include <algorithm>

#include "base/check.hpp"
#include "model/decoder/file_tensors.hpp"
#include "model/gguf/ggml_types.hpp"

namespace headroom::model {

WeightFile::WeightFile(const GgufFile& file, const Hyperparameters& model)
    : model_(&model), file_(file.open_file()) {
    file_.check_unchanged();
    for (const GgufTensor& tensor : file.tensors()) {
        if (weight_type_of(tensor.ggml_type)) {
            const GgmlType* const type = find_ggml_type(tensor.ggml_type);
            const auto columns = static_cast<std::uint64_t>(tensor.dimensions.at(0));
            const std::uint64_t row_bytes = columns / type->block_elements * type->block_bytes;
            tensors_.emplace(
                tensor.name, StoredTensor{type, tensor.offset, static_cast<Bytes>(row_bytes)}
            );
        }
    }
}

const WeightFile::StoredTensor& WeightFile::stored_tensor(const std::string& tensor) const {
    const auto found = tensors_.find(tensor);
    HEADROOM_CHECK(found != tensors_.end(), "{} is not in the file", tensor);
    return found->second;
}

void WeightFile::read_norm(const BlockName& block, TensorRole role, std::span<float> out) const {
    const StoredTensor& tensor = stored_tensor(source_of(*model_, block, role).tensor);
    const auto bytes = std::as_writable_bytes(out);
    HEADROOM_CHECK(
        tensor.type->code == kGgmlF32 && tensor.row_bytes == static_cast<Bytes>(bytes.size()),
        "{} has no norm of {} values in role {}",
        to_string(block),
        out.size(),
        static_cast<int>(role)
    );
    file_.check_unchanged();
    file_.read(tensor.offset, bytes);
}

void WeightFile::read(Block& block, std::size_t i, Bytes first, Bytes bytes) const {
    const TensorSpec spec = block.piece_spec(i);
    const TensorSource source = source_of(*model_, block.name(), spec.role, block.slicing());
    const StoredTensor& tensor = stored_tensor(source.tensor);
    const Bytes row = row_bytes(spec.type, spec.columns);
    const std::span<std::byte> piece = block.piece(i);
    HEADROOM_CHECK(
        first >= 0 && bytes >= 0 && first + bytes <= block.piece_bytes(i),
        "{} B from {} of a piece of {} B",
        bytes,
        first,
        piece.size()
    );
    file_.check_unchanged();
    const std::uint64_t start =
        tensor.offset +
        static_cast<std::uint64_t>((source.first_row + block.first_row(i)) * tensor.row_bytes);
    const auto at = [](Bytes n) { return static_cast<std::size_t>(n); };
    // One read is enough if the piece has whole rows of the file.
    const Bytes before =
        source.first_column / format_of(spec.type).elements * format_of(spec.type).bytes;
    const Bytes step = row == tensor.row_bytes ? block.piece_bytes(i) : row;
    for (Bytes done = first; done < first + bytes;) {
        const Bytes in_row = done % step;
        const Bytes now = std::min(step - in_row, first + bytes - done);
        file_.read(
            start + static_cast<std::uint64_t>(done / step * tensor.row_bytes + before + in_row),
            piece.subspan(at(done), at(now))
        );
        done += now;
    }
}

void WeightFile::read(Block& block, std::size_t i) const {
    read(block, i, 0, block.piece_bytes(i));
}

} // namespace headroom::model
