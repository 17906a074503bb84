#include "model/decoder/architecture.hpp"

#include <array>

#include <fmt/format.h>

#include "base/check.hpp"

namespace headroom::model {

namespace {

constexpr Extent kWidth = [](const Hyperparameters& model) { return model.width; };
constexpr Extent kFfnWidth = [](const Hyperparameters& model) { return model.ffn_width; };
constexpr Extent kKvWidth = [](const Hyperparameters& model) {
    return model.kv_heads * model.head_width();
};

constexpr std::array kLlamaLayer{
    LayerTensor{TensorRole::next_norm, "attn_norm"},
    LayerTensor{TensorRole::q, "attn_q", kWidth, &LayerTypes::q},
    LayerTensor{TensorRole::k, "attn_k", kKvWidth, &LayerTypes::k},
    LayerTensor{TensorRole::v, "attn_v", kKvWidth, &LayerTypes::v},
    LayerTensor{TensorRole::o, "attn_output", kWidth, &LayerTypes::o},
    LayerTensor{TensorRole::ffn_norm, "ffn_norm"},
    LayerTensor{TensorRole::gate, "ffn_gate", kFfnWidth, &LayerTypes::gate},
    LayerTensor{TensorRole::up, "ffn_up", kFfnWidth, &LayerTypes::up},
    LayerTensor{TensorRole::down, "ffn_down", kWidth, &LayerTypes::down, kFfnWidth},
};

constexpr std::array kArchitectures{
    Architecture{"llama", kLlamaLayer},
};

constexpr const char* kEmbedding = "token_embd.weight";
constexpr const char* kOutputNorm = "output_norm.weight";

/// Returns the name of the tensor that a layer has in this role.
std::string_view layer_tensor(const Hyperparameters& model, TensorRole role) {
    for (const LayerTensor& tensor : model.architecture->layer_tensors) {
        if (tensor.role == role) {
            return tensor.name;
        }
    }
    HEADROOM_CHECK(false, "role {}", static_cast<int>(role));
}

} // namespace

std::span<const Architecture> architectures() {
    return kArchitectures;
}

const Architecture* find_architecture(std::string_view name) {
    for (const Architecture& architecture : kArchitectures) {
        if (architecture.name == name) {
            return &architecture;
        }
    }
    return nullptr;
}

std::string in_layer(std::int32_t layer, std::string_view tensor) {
    return fmt::format("blk.{}.{}.weight", layer, tensor);
}

std::vector<ExpectedTensor> expected_tensors(const Hyperparameters& model) {
    std::vector<ExpectedTensor> tensors{
        {kEmbedding, model.vocabulary, model.width, false},
        {kOutputNorm, 1, model.width, true},
    };
    for (std::int32_t layer = 0; layer < model.layers; ++layer) {
        for (const LayerTensor& t : model.architecture->layer_tensors) {
            const std::int64_t rows = t.rows == nullptr ? 1 : t.rows(model);
            const std::int64_t columns = t.columns == nullptr ? model.width : t.columns(model);
            tensors.push_back({in_layer(layer, t.name), rows, columns, t.rows == nullptr});
        }
    }
    if (!model.tied) {
        tensors.push_back({"output.weight", model.vocabulary, model.width, false});
    }
    return tensors;
}

TensorSource source_of(
    const Hyperparameters& model, const BlockName& block, TensorRole role, const Slicing& slicing
) {
    const auto in_file = [&](TensorRole of, std::int32_t layer) {
        return in_layer(layer, layer_tensor(model, of));
    };
    const std::int64_t kv_row = block.group * model.head_width();
    const bool has_columns = slicing.sliced() && block.group >= 0;
    const Columns columns = has_columns ? columns_of(model, block, slicing) : Columns{};
    switch (role) {
    case TensorRole::embedding:
        return {kEmbedding};
    case TensorRole::head:
        return {model.tied ? kEmbedding : "output.weight"};
    case TensorRole::output_norm:
        return {kOutputNorm};
    case TensorRole::first_norm:
        return {in_file(TensorRole::next_norm, 0)};
    case TensorRole::next_norm:
        return {in_file(role, block.layer + 1)};
    case TensorRole::q:
        return {in_file(role, block.layer), kv_row * model.heads_per_group()};
    case TensorRole::k:
    case TensorRole::v:
        return {in_file(role, block.layer), kv_row};
    case TensorRole::gate:
    case TensorRole::up:
        return {in_file(role, block.layer), columns.first};
    case TensorRole::o:
    case TensorRole::down:
        return {in_file(role, block.layer), 0, columns.stored_first};
    case TensorRole::ffn_norm:
        return {in_file(role, block.layer)};
    }
    HEADROOM_CHECK(false, "role {}", static_cast<int>(role));
}

} // namespace headroom::model
