#include "model/metadata/metadata.hpp"

#include <algorithm>
#include <string_view>

#include <fmt/format.h>

#include "base/model_shape.hpp"
#include "model/metadata/features.hpp"
#include "model/metadata/keys.hpp"
#include "model/metadata/refusals.hpp"

namespace headroom::model {

namespace {

/// Returns the number of tensors that a layer has in a file.
std::size_t tensors_per_layer(const Architecture& architecture) {
    std::size_t count = 0;
    std::string_view before;
    for (const LayerTensor& tensor : architecture.layer_tensors) {
        count += tensor.name == before ? 0U : 1U;
        before = tensor.name;
    }
    return count;
}

void check_layers(Keys& keys, const Hyperparameters& model) {
    const std::size_t per_layer = tensors_per_layer(keys.architecture());
    const std::size_t tensors = keys.file().tensors().size();
    if (static_cast<std::size_t>(model.layers) > tensors / per_layer) {
        keys.problem(fmt::format(
            "{} is {}, but {} tensors are too few for that; each layer has {}",
            keys.key("block_count"),
            model.layers,
            tensors,
            per_layer
        ));
    }
}

/// Reads the width of a head, if it is not D/H. Returns false, and reports it, if heads and widths
/// do not fit each other.
bool read_heads(Keys& keys, Hyperparameters& model) {
    if (model.width < 1 || model.heads < 1 || model.kv_heads < 1) {
        return false; // reported by Keys::count
    }
    const bool divides = model.width % model.heads == 0;
    const std::int64_t usual = divides ? model.width / model.heads : 0;
    const bool has_own = keys.file().find(keys.key("attention.key_length")) != nullptr;
    const std::int64_t d =
        has_own ? keys.count("attention.key_length", kMaxModelWidth, usual) : usual;
    if (has_own && d < 1) {
        return false;
    }
    if (d < 1 || d % 2 != 0) {
        keys.problem(fmt::format(
            "{} heads do not divide the width {} into head widths that are even",
            model.heads,
            model.width
        ));
        return false;
    }
    model.own_head_width = d == usual ? 0 : d;
    const auto value_length = keys.value("attention.value_length", &GgufFile::integer);
    if (value_length.value_or(d) != d) {
        keys.problem(fmt::format(
            "{} is {}, but keys have {} elements; others cannot be computed yet",
            keys.key("attention.value_length"),
            *value_length,
            d
        ));
    }
    if (model.heads % model.kv_heads != 0) {
        keys.problem(fmt::format("{} K/V heads do not divide {} heads", model.kv_heads, model.heads)
        );
        return false;
    }
    return true;
}

void read_sizes(Keys& keys, Hyperparameters& model) {
    for_each_size([&]<class T>(const ShapeField<ModelShape, T>& size) {
        if (size.gguf_key != nullptr) {
            const bool is_kv_heads = std::string_view(size.name) == "kv_heads";
            const std::int64_t fallback = is_kv_heads ? std::max(model.heads, 1) : 0;
            model.*size.member = static_cast<T>(keys.count(size.gguf_key, size.max, fallback));
        }
    });
}

} // namespace

Hyperparameters read_metadata(const GgufFile& file, std::vector<std::string>& problems) {
    Hyperparameters model;
    model.architecture = &known_architecture(file);
    const Architecture& architecture = *model.architecture;
    Keys keys(file, architecture, problems);
    const auto name = keys.any("general.name", &GgufFile::text);
    model.name = name ? std::string(*name) : file.path().stem().string();
    model.qkv_bias = architecture.qkv_bias;
    model.qk_norm = architecture.qk_norm;
    model.norm_place = architecture.norm_place;
    read_sizes(keys, model);
    model.rms_epsilon = static_cast<float>(keys.positive("attention.layer_norm_rms_epsilon"));
    check_layers(keys, model);
    const bool heads_fit = read_heads(keys, model);
    read_features(keys, model);
    if (heads_fit) {
        read_rope(keys, model);
    }
    if (heads_fit && architecture.adjust != nullptr) {
        architecture.adjust(model, model.features);
    }
    return model;
}

} // namespace headroom::model
