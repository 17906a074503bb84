#include "model/decoder/file_tensors.hpp"

#include <fmt/format.h>

#include "base/check.hpp"
#include "model/metadata/features.hpp"

namespace headroom::model {

namespace {

constexpr const char* kEmbedding = "token_embd.weight";
constexpr const char* kOutput = "output.weight";
constexpr const char* kOutputNorm = "output_norm.weight";

/// Where a role's rows are in a layer: the tensor's name, and how many of its rows come before.
struct PlaceInLayer {
    std::string_view tensor;
    std::int64_t rows_before = 0;
};

PlaceInLayer place_of(const Hyperparameters& model, TensorRole role) {
    PlaceInLayer place;
    for (const LayerTensor& tensor : model.architecture->layer_tensors) {
        if (tensor.name != place.tensor) {
            place = {tensor.name, 0};
        }
        if (tensor.role == role) {
            return place;
        }
        place.rows_before += tensor.rows == nullptr ? 1 : tensor.rows(model);
    }
    HEADROOM_CHECK(false, "role {}", static_cast<int>(role));
}

void add_layer(
    const Hyperparameters& model, std::int32_t layer, std::vector<ExpectedTensor>& tensors
) {
    std::string_view before;
    for (const LayerTensor& t : model.architecture->layer_tensors) {
        const std::int64_t rows = t.rows == nullptr ? 1 : t.rows(model);
        if (t.name == before) {
            tensors.back().rows += rows;
            continue;
        }
        tensors.push_back({in_layer(layer, t.name), rows, t.columns(model), t.rows == nullptr});
        before = t.name;
    }
}

void add_rope_divisors(const Hyperparameters& model, std::vector<ExpectedTensor>& tensors) {
    const Rope& rope = model.features.rope;
    const auto pairs = static_cast<std::int64_t>(rope.divisors.size());
    if (!rope.long_divisors.empty()) {
        tensors.push_back({kShortRopeDivisors, 1, pairs, true});
        tensors.push_back({kLongRopeDivisors, 1, pairs, true});
    } else if (pairs > 0) {
        tensors.push_back({kRopeDivisors, 1, pairs, true});
    }
}

/// Returns the first element of a group's part of a vector of queries or keys, or 0 if all groups
/// have the whole vector.
std::int64_t first_element(const Hyperparameters& model, const BlockName& group, TensorRole role) {
    const bool is_norm = role == TensorRole::q_norm || role == TensorRole::k_norm;
    if (is_norm && model.qk_norm == QkNorm::head) {
        return 0;
    }
    const bool of_queries = role == TensorRole::q_bias || role == TensorRole::q_norm;
    const std::int64_t heads = of_queries ? model.heads_per_group() : 1;
    return group.group * heads * model.head_width();
}

} // namespace

std::string in_layer(std::int32_t layer, std::string_view tensor) {
    return fmt::format("blk.{}.{}", layer, tensor);
}

std::vector<ExpectedTensor> expected_tensors(const Hyperparameters& model) {
    std::vector<ExpectedTensor> tensors{
        {kEmbedding, model.vocabulary, model.width, false},
        {kOutputNorm, 1, model.width, true},
    };
    for (std::int32_t layer = 0; layer < model.layers; ++layer) {
        add_layer(model, layer, tensors);
    }
    add_rope_divisors(model, tensors);
    if (!model.tied) {
        tensors.push_back({kOutput, model.vocabulary, model.width, false});
    }
    return tensors;
}

TensorSource source_of(
    const Hyperparameters& model, const BlockName& block, TensorRole role, const Slicing& slicing
) {
    const auto in_file = [&](TensorRole of, std::int32_t layer, std::int64_t row = 0) {
        const PlaceInLayer place = place_of(model, of);
        return TensorSource{in_layer(layer, place.tensor), place.rows_before + row};
    };
    const std::int64_t kv_row = block.group * model.head_width();
    const bool has_columns = slicing.sliced() && block.group >= 0;
    const Columns columns = has_columns ? columns_of(model, block, slicing) : Columns{};
    TensorSource source;
    switch (role) {
    case TensorRole::embedding:
        return {kEmbedding};
    case TensorRole::head:
        return {model.tied ? kEmbedding : kOutput};
    case TensorRole::output_norm:
        return {kOutputNorm};
    case TensorRole::first_norm:
        return in_file(TensorRole::next_norm, 0);
    case TensorRole::next_norm:
        return in_file(role, block.layer + 1);
    case TensorRole::q:
        return in_file(role, block.layer, kv_row * model.heads_per_group());
    case TensorRole::k:
    case TensorRole::v:
        return in_file(role, block.layer, kv_row);
    case TensorRole::q_bias:
    case TensorRole::k_bias:
    case TensorRole::v_bias:
    case TensorRole::q_norm:
    case TensorRole::k_norm:
        source = in_file(role, block.layer);
        source.first_column = first_element(model, block, role);
        return source;
    case TensorRole::gate:
    case TensorRole::up:
        return in_file(role, block.layer, columns.first);
    case TensorRole::o:
    case TensorRole::down:
        source = in_file(role, block.layer);
        source.first_column = columns.stored_first;
        return source;
    case TensorRole::post_attention_norm:
    case TensorRole::ffn_norm:
    case TensorRole::post_ffn_norm:
        return in_file(role, block.layer);
    }
    HEADROOM_CHECK(false, "role {}", static_cast<int>(role));
}

} // namespace headroom::model
