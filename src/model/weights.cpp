#include "model/weights.hpp"

#include "base/check.hpp"
#include "model/ggml_types.hpp"
#include "model/tensor_names.hpp"

namespace headroom::model {

namespace {

/// The stored bytes of a tensor's rows first … first + rows − 1.
std::span<const std::byte> stored_rows(
    const GgufFile& file, const GgufTensor& tensor, std::int64_t first, std::int64_t rows
) {
    const GgmlType& type = *find_ggml_type(tensor.ggml_type);
    const auto columns = static_cast<std::uint64_t>(tensor.dimensions[0]);
    const std::uint64_t row = columns / type.block_elements * type.block_bytes;
    return file.data(tensor).subspan(
        static_cast<std::uint64_t>(first) * row, static_cast<std::uint64_t>(rows) * row
    );
}

} // namespace

void load_block(const GgufFile& file, const Hyperparameters& model, Block& block) {
    for (std::size_t i = 0; i < block.pieces(); ++i) {
        const TensorSpec spec = block.spec(i);
        const TensorSource source = source_of(model, block.name(), spec.slot, block.cut());
        const GgufTensor* const tensor = file.tensor(source.tensor);
        HEADROOM_CHECK(
            tensor != nullptr && source.first_column + spec.columns <= tensor->dimensions[0] &&
                weight_type_of(tensor->ggml_type) == spec.type,
            "{} is not what the hyperparameters say",
            source.tensor
        );
        const std::int64_t first = source.first_row + block.first_row(i);
        const std::span<std::byte> piece = block.allocate_piece(i);
        if (spec.columns == tensor->dimensions[0]) {
            load_weights(tensor->ggml_type, stored_rows(file, *tensor, first, spec.rows), piece);
            continue;
        }
        const std::size_t row = piece.size() / static_cast<std::size_t>(spec.rows);
        for (std::int64_t r = 0; r < spec.rows; ++r) {
            load_part(
                tensor->ggml_type,
                stored_rows(file, *tensor, first + r, 1),
                source.first_column,
                piece.subspan(static_cast<std::size_t>(r) * row, row)
            );
        }
    }
}

} // namespace headroom::model
