#include "config/scenario/weight_mixture.hpp"

#include <array>
#include <vector>

namespace headroom::config {

namespace {

using enum WeightType;

constexpr std::array kMixtures{
    WeightChoice{"q2_k_m", q2_k, true},
    WeightChoice{"q3_k_s", q3_k, true},
    WeightChoice{"q3_k_m", q3_k, true},
    WeightChoice{"q3_k_l", q3_k, true},
    WeightChoice{"q4_k_s", q4_k, true},
    WeightChoice{"q4_k_m", q4_k, true},
    WeightChoice{"q5_k_s", q5_k, true},
    WeightChoice{"q5_k_m", q5_k, true},
    WeightChoice{"q4_0_m", q4_0, true},
    WeightChoice{"q5_0_m", q5_0, true},
};

/// The place of a matrix, as far as the rules depend on it.
struct Place {
    std::int64_t layer = 0;
    std::int64_t layers = 0;
    bool grouped = false;       ///< at least four query heads have one K/V head
    bool eight_experts = false; ///< Mixtral
    bool large = false;         ///< the 70B models, whose v is small

    /// Whether the layer is among the first or last eighth, or each third of those between.
    [[nodiscard]] bool sensitive() const {
        const std::int64_t eighth = layers / 8;
        return layer < eighth || layer >= 7 * layers / 8 || (layer - eighth) % 3 == 2;
    }
};

WeightType type_of_v(std::string_view mixture, WeightType base, const Place& at) {
    WeightType type = base;
    if (mixture == "q2_k_m") {
        type = at.grouped ? q4_k : q3_k;
    } else if (mixture == "q3_k_m") {
        type = at.layer < 2 ? q5_k : q4_k;
    } else if (mixture == "q3_k_l" || (mixture == "q4_k_s" && at.layer < 4)) {
        type = q5_k;
    } else if ((mixture == "q4_k_m" || mixture == "q5_k_m") && at.sensitive()) {
        type = q6_k;
    }
    if (at.large && (type == q3_k || type == q4_k)) {
        type = q5_k;
    }
    return at.eight_experts ? q8_0 : type;
}

WeightType type_of_down(std::string_view mixture, WeightType base, const Place& at) {
    if (mixture == "q2_k_m") {
        return q3_k;
    }
    if (mixture == "q3_k_m") {
        return at.layer < at.layers / 16 ? q5_k : q4_k;
    }
    if (mixture == "q3_k_l" || (mixture == "q4_k_s" && at.layer < at.layers / 8)) {
        return q5_k;
    }
    return (mixture == "q4_k_m" || mixture == "q5_k_m") && at.sensitive() ? q6_k : base;
}

WeightType type_of_o(std::string_view mixture, WeightType base, const Place& at) {
    if (at.eight_experts) {
        return base == q2_k || base == q3_k || base == q4_k ? q5_k : base;
    }
    return mixture == "q2_k_m"   ? q3_k
           : mixture == "q3_k_m" ? q4_k
           : mixture == "q3_k_l" ? q5_k
                                 : base;
}

/// Returns the type of q, k and v if they are one matrix.
WeightType type_of_fused(std::string_view mixture, WeightType base) {
    return mixture == "q3_k_m" || mixture == "q3_k_l" ? q4_k
           : mixture == "q4_k_m"                      ? q5_k
           : mixture == "q5_k_m"                      ? q6_k
                                                      : base;
}

/// Returns the type, or one with smaller blocks if a row of `columns` is no multiple of 256 long.
WeightType fitting(WeightType type, std::int64_t columns) {
    if (columns % format_of(type).elements == 0) {
        return type;
    }
    switch (type) {
    case q2_k:
    case q3_k:
        return iq4_nl;
    case q4_k:
        return q5_0;
    case q5_k:
        return q5_1;
    case q6_k:
        return q8_0;
    default:
        return type;
    }
}

LayerTypes layer_types(
    const ModelShape& shape, const WeightChoice& choice, bool fused, const Place& at
) {
    const WeightType base = choice.base;
    const WeightType one = type_of_fused(choice.name, base);
    const WeightType k = at.eight_experts ? q8_0 : base;
    const WeightType v = type_of_v(choice.name, base, at);
    const std::int64_t attention = shape.heads > 0 ? shape.attention_width() : shape.width;
    return {
        .q = fitting(fused ? one : base, shape.width),
        .k = fitting(fused ? one : k, shape.width),
        .v = fitting(fused ? one : v, shape.width),
        .o = fitting(type_of_o(choice.name, base, at), attention),
        .gate = fitting(base, shape.width),
        .up = fitting(base, shape.width),
        .down = fitting(type_of_down(choice.name, base, at), shape.ffn_width)};
}

} // namespace

std::span<const WeightChoice> weight_choices() {
    static const std::vector<WeightChoice> all = [] {
        std::vector<WeightChoice> choices;
        for (const WeightFormat& format : kWeightFormats) {
            choices.push_back({format.name, format.type});
        }
        choices.insert(choices.end(), kMixtures.begin(), kMixtures.end());
        return choices;
    }();
    return all;
}

std::span<const std::string_view> weight_choice_names() {
    static const std::vector<std::string_view> names = [] {
        std::vector<std::string_view> all;
        for (const WeightChoice& choice : weight_choices()) {
            all.push_back(choice.name);
        }
        return all;
    }();
    return names;
}

void set_types(ModelShape& shape, WeightType type) {
    shape.layer_types.assign(static_cast<std::size_t>(shape.layers), LayerTypes::all(type));
    shape.embed_type = shape.lm_head_type = type;
}

void set_weights(ModelShape& shape, const WeightChoice& choice, bool fused) {
    set_types(shape, choice.base);
    if (!choice.mixture) {
        return;
    }
    Place at;
    at.layers = shape.layers;
    at.grouped = shape.kv_heads > 0 && shape.heads / shape.kv_heads >= 4;
    at.eight_experts = shape.experts == 8;
    at.large = shape.layers == 80 && shape.heads != shape.kv_heads;
    for (LayerTypes& types : shape.layer_types) {
        types = layer_types(shape, choice, fused, at);
        ++at.layer;
    }
    // llama.cpp looks whether the base type fits, and takes Q8_0 if not.
    const bool fits = shape.width % format_of(choice.base).elements == 0;
    shape.lm_head_type = fits ? fitting(q6_k, shape.width) : q8_0;
    shape.embed_type = shape.tied ? shape.lm_head_type : fitting(choice.base, shape.width);
}

} // namespace headroom::config
