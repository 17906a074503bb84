// What a model takes on one device that has all of it: the bytes of its tensors, with granularity
// `paper` and without caches and buffers. On the public models that can be run.
#include <algorithm>
#include <filesystem>
#include <vector>

#include <gtest/gtest.h>

#include "model/decoder/weights.hpp"
#include "model/gguf/gguf.hpp"
#include "scheduler/core/blocks.hpp"

namespace headroom {
namespace {

std::filesystem::path public_folder() {
    return std::filesystem::path(HEADROOM_SOURCE_DIR) / ".." / "shared" / "models";
}

/// Returns the bytes of the file's tensors without the factors of RoPE, which become a part of the
/// hyperparameters.
Bytes tensor_bytes(const model::GgufFile& file) {
    Bytes sum = 0;
    for (const model::GgufTensor& tensor : file.tensors()) {
        sum += tensor.name.starts_with("rope_") ? 0 : static_cast<Bytes>(tensor.bytes);
    }
    return sum;
}

/// Returns the bytes of the copies of norms that a file has once in a layer and each group has for
/// itself: those of queries and keys, if each head is normalised by itself.
Bytes copied_bytes(const model::Hyperparameters& model) {
    const bool has_copies = model.qk_norm == QkNorm::head;
    return has_copies ? model.layers * (model.kv_heads - 1) * 2 * 4 * model.head_width() : 0;
}

/// Returns the bytes that the scheduler charges, with all blocks together.
Bytes charged_bytes(const model::Hyperparameters& model) {
    const scheduler::Blocks blocks{ModelShape(model)};
    const scheduler::Placement together(blocks.size(), DeviceId(0));
    Bytes sum = 0;
    for (std::size_t b = 0; b < blocks.size(); ++b) {
        sum += blocks.weight_bytes(BlockId(b), together);
    }
    return sum;
}

/// Returns the bytes that blocks allocate for their weights.
Bytes held_bytes(const model::Hyperparameters& model) {
    const scheduler::Blocks blocks{ModelShape(model)};
    Bytes sum = 0;
    for (std::size_t b = 0; b < blocks.size(); ++b) {
        const BlockName name = blocks.name(BlockId(b));
        const model::Block block(model, name, 65536, std::pmr::null_memory_resource(), !model.tied);
        for (std::size_t i = 0; i < block.pieces(); ++i) {
            sum += block.piece_bytes(i);
        }
    }
    return sum;
}

TEST(ResidentBytes, of_public_models_are_those_of_their_tensors) {
    if (!std::filesystem::exists(public_folder())) {
        GTEST_SKIP() << "no public models in " << public_folder().string();
    }
    int llamas = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(public_folder())) {
        if (entry.path().extension() != ".gguf") {
            continue;
        }
        const model::GgufFile file(entry.path());
        if (!model::report_on(file).problems.empty()) {
            continue; // it cannot be run
        }
        const model::Hyperparameters model = model::read_hyperparameters(file);
        const Bytes expected = tensor_bytes(file) + copied_bytes(model);
        EXPECT_EQ(charged_bytes(model), expected) << entry.path();
        EXPECT_EQ(held_bytes(model), expected) << entry.path();
        llamas += entry.path().filename().string().starts_with("llama-") ||
                          entry.path().parent_path() == public_folder()
                      ? 1
                      : 0;
    }
    EXPECT_GE(llamas, 32);
}

TEST(ResidentBytes, are_more_by_the_matrix_where_a_tied_head_is_elsewhere) { // twin
    model::Hyperparameters model;
    model.layers = 1;
    model.heads = 2;
    model.kv_heads = 2;
    model.width = 256;
    model.ffn_width = 256;
    model.vocabulary = 10;
    model.context = 16;
    model.tied = true;
    model.embed_type = WeightType::q6_k;
    model.lm_head_type = WeightType::q6_k;
    model.layer_types = {LayerTypes::all(WeightType::q4_k)};
    const scheduler::Blocks blocks{ModelShape(model)};
    scheduler::Placement placement(blocks.size(), DeviceId(0));
    placement.back() = DeviceId(1);
    Bytes apart = 0;
    for (std::size_t b = 0; b < blocks.size(); ++b) {
        apart += blocks.weight_bytes(BlockId(b), placement);
    }
    EXPECT_EQ(apart, charged_bytes(model) + 10 * 210);
}

} // namespace
} // namespace headroom
