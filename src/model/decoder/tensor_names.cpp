#include "model/decoder/tensor_names.hpp"

#include <fmt/format.h>

#include "base/check.hpp"

namespace headroom::model {

namespace {

std::string in_layer(std::int32_t layer, const char* what) {
    return fmt::format("blk.{}.{}.weight", layer, what);
}

} // namespace

std::vector<ExpectedTensor> expected_tensors(const Hyperparameters& model) {
    const std::int64_t width = model.width;
    const std::int64_t kv_width = model.kv_heads * model.head_width();
    const std::int64_t ffn = model.ffn_width;
    std::vector<ExpectedTensor> tensors{
        {"token_embd.weight", model.vocabulary, width, false},
        {"output_norm.weight", 1, width, true},
    };
    for (std::int32_t layer = 0; layer < model.layers; ++layer) {
        tensors.insert(
            tensors.end(),
            {
                {in_layer(layer, "attn_norm"), 1, width, true},
                {in_layer(layer, "attn_q"), width, width, false},
                {in_layer(layer, "attn_k"), kv_width, width, false},
                {in_layer(layer, "attn_v"), kv_width, width, false},
                {in_layer(layer, "attn_output"), width, width, false},
                {in_layer(layer, "ffn_norm"), 1, width, true},
                {in_layer(layer, "ffn_gate"), ffn, width, false},
                {in_layer(layer, "ffn_up"), ffn, width, false},
                {in_layer(layer, "ffn_down"), width, ffn, false},
            }
        );
    }
    if (!model.tied) {
        tensors.push_back({"output.weight", model.vocabulary, width, false});
    }
    return tensors;
}

TensorSource source_of(
    const Hyperparameters& model, const BlockName& block, TensorRole role, const Slicing& slicing
) {
    const std::int64_t kv_row = block.group * model.head_width();
    const bool has_columns = slicing.sliced() && block.group >= 0;
    const Columns columns = has_columns ? columns_of(model, block, slicing) : Columns{};
    switch (role) {
    case TensorRole::embedding:
        return {"token_embd.weight"};
    case TensorRole::first_norm:
        return {in_layer(0, "attn_norm")};
    case TensorRole::q:
        return {in_layer(block.layer, "attn_q"), kv_row * model.heads_per_group()};
    case TensorRole::k:
        return {in_layer(block.layer, "attn_k"), kv_row};
    case TensorRole::v:
        return {in_layer(block.layer, "attn_v"), kv_row};
    case TensorRole::o:
        return {in_layer(block.layer, "attn_output"), 0, columns.stored_first};
    case TensorRole::gate:
        return {in_layer(block.layer, "ffn_gate"), columns.first};
    case TensorRole::up:
        return {in_layer(block.layer, "ffn_up"), columns.first};
    case TensorRole::down:
        return {in_layer(block.layer, "ffn_down"), 0, columns.stored_first};
    case TensorRole::ffn_norm:
        return {in_layer(block.layer, "ffn_norm")};
    case TensorRole::next_norm:
        return {in_layer(block.layer + 1, "attn_norm")};
    case TensorRole::head:
        return {model.tied ? "token_embd.weight" : "output.weight"};
    case TensorRole::output_norm:
        return {"output_norm.weight"};
    }
    HEADROOM_CHECK(false, "role {}", static_cast<int>(role));
}

} // namespace headroom::model
