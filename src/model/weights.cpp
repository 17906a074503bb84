#include "model/weights.hpp"

#include <cstring>

#include "base/check.hpp"
#include "model/ggml_types.hpp"
#include "model/tensor_names.hpp"

namespace headroom::model {

void load_block(const GgufFile& file, const Hyperparameters& model, Block& block) {
    for (std::size_t i = 0; i < block.pieces(); ++i) {
        const TensorSpec spec = block.spec(i);
        const TensorSource source = source_of(model, block.name(), spec.slot);
        const GgufTensor* const tensor = file.tensor(source.tensor);
        HEADROOM_CHECK(
            tensor != nullptr && tensor->dimensions[0] == spec.columns &&
                weight_type_of(tensor->ggml_type) == spec.type,
            "{} is not what the hyperparameters say",
            source.tensor
        );
        const Bytes start =
            (source.first_row + block.first_row(i)) * row_bytes(spec.type, spec.columns);
        const auto bytes = file.data(*tensor).subspan(
            static_cast<std::size_t>(start), static_cast<std::size_t>(block.piece_bytes(i))
        );
        std::memcpy(block.allocate_piece(i).data(), bytes.data(), bytes.size());
    }
}

} // namespace headroom::model
