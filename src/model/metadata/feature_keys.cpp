// The keys of features that are numbers, and of windows.
#include <algorithm>
#include <array>
#include <cmath>

#include "model/metadata/features.hpp"

namespace headroom::model {

namespace {

/// A key that changes what is computed.
struct FeatureKey {
    const char* key;
    double neutral; ///< the value that changes nothing
    const char* what;
    /// Sets the feature in an architecture that gives the key a meaning. Null: no architecture
    /// does.
    void (*set)(Features& features, float value) = nullptr;
};

/// In scales, llama.cpp writes 0 for "none".
float scale_of(float value) {
    return value == 0 ? 1.0F : value;
}

constexpr std::array kFeatureKeys{
    FeatureKey{"expert_count", 0, "a mixture of experts is"},
    FeatureKey{"attention.clamp_kqv", 0, "clamping of q, k and v is"},
    FeatureKey{"attention.max_alibi_bias", 0, "ALiBi is"},
    FeatureKey{
        "attention.scale",
        0,
        "another attention scale is",
        [](Features& features, float value) { features.attention_scale = value; }},
    FeatureKey{
        "attn_logit_softcapping",
        0,
        "soft-capping is",
        [](Features& features, float value) { features.attention_softcap = value; }},
    FeatureKey{
        "final_logit_softcapping",
        0,
        "soft-capping is",
        [](Features& features, float value) { features.final_softcap = value; }},
    FeatureKey{
        "attention.temperature_scale",
        0,
        "attention temperature is",
        [](Features& features, float value) { features.temperature_scale = value; }},
    FeatureKey{
        "logit_scale",
        1,
        "logit scaling is",
        [](Features& features, float value) { features.logit_scale = scale_of(value); }},
    FeatureKey{
        "residual_scale",
        1,
        "residual scaling is",
        [](Features& features, float value) { features.residual_scale = scale_of(value); }},
    FeatureKey{
        "embedding_scale",
        1,
        "embedding scaling is",
        [](Features& features, float value) { features.embedding_scale = scale_of(value); }},
};

void read_number(Keys& keys, const FeatureKey& feature, Features& features) {
    if (feature.set == nullptr || !keys.has_meaning(feature.key)) {
        keys.require_neutral(feature.key, feature.neutral, feature.what);
        return;
    }
    const auto number = keys.value(feature.key, &GgufFile::number);
    if (number && !(*number >= 0 && *number <= 1e9)) {
        keys.problem(fmt::format("{}: expected 0 to 1e9, found {}", keys.key(feature.key), *number)
        );
    } else if (number) {
        feature.set(features, static_cast<float>(*number));
    }
}

constexpr const char* kWindow = "attention.sliding_window";
constexpr const char* kPattern = "attention.sliding_window_pattern";

/// Reports a pattern of layers with a window that is not that of the architecture.
void check_pattern(Keys& keys, const ModelShape& shape) {
    const GgufValue* const value = keys.file().find(keys.key(kPattern));
    if (value == nullptr) {
        return;
    }
    constexpr std::uint32_t kBooleans = 7; // type code of GGUF
    bool fits = false;
    if (const auto* const array = std::get_if<GgufArray>(value)) {
        fits = array->element_type == kBooleans &&
               array->count == static_cast<std::uint64_t>(shape.layers);
        for (std::int32_t layer = 0; fits && layer < shape.layers; ++layer) {
            const bool has_window = array->bytes[static_cast<std::size_t>(layer)] != std::byte{0};
            fits = has_window == (shape.window_of(layer) > 0);
        }
    } else if (const auto* const period = std::get_if<std::uint64_t>(value)) {
        fits = *period == static_cast<std::uint64_t>(shape.window_period);
    }
    if (!fits) {
        keys.problem(fmt::format(
            "{}: only windows in all layers but the last of each {} are computed",
            keys.key(kPattern),
            shape.window_period
        ));
    }
}

void read_window(Keys& keys, ModelShape& shape) {
    const Architecture& architecture = keys.architecture();
    const auto found = keys.value(kWindow, &GgufFile::integer);
    const std::int64_t window = found.value_or(architecture.window);
    if (window < 0) {
        keys.problem(fmt::format("{}: expected 0 or more, found {}", keys.key(kWindow), window));
        return;
    }
    const bool covers_all = architecture.window_period == 0 && window >= shape.context;
    if (window == 0 || covers_all) {
        return;
    }
    if (!keys.has_meaning(kWindow)) {
        keys.problem(fmt::format(
            "{} is {}: sliding-window attention is not computed in this architecture",
            keys.key(kWindow),
            window
        ));
        return;
    }
    shape.window = std::min(window, kMaxModelContext);
    shape.window_period = architecture.window_period;
    check_pattern(keys, shape);
}

} // namespace

void read_features(Keys& keys, Hyperparameters& model) {
    model.features = keys.architecture().features;
    for (const FeatureKey& feature : kFeatureKeys) {
        read_number(keys, feature, model.features);
    }
    if (keys.value("use_parallel_residual", &GgufFile::boolean).value_or(false)) {
        keys.problem(keys.key("use_parallel_residual: parallel residuals are not computed yet"));
    }
    if (!keys.value("attention.causal", &GgufFile::boolean).value_or(true)) {
        keys.problem(keys.key("attention.causal is false: only causal decoders can be computed"));
    }
    read_window(keys, model);
}

} // namespace headroom::model
