#include "model/decoder/weights.hpp"

namespace headroom::model {

void load_block(const WeightFile& weights, Block& block) {
    for (std::size_t i = 0; i < block.pieces(); ++i) {
        (void)block.allocate_piece(i);
        weights.read(block, i);
    }
}

void load_block(const GgufFile& file, const Hyperparameters& model, Block& block) {
    load_block(WeightFile(file, model), block);
}

} // namespace headroom::model
