// What a model file says about its decoder, checked against its tensors.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/weight_type.hpp"

namespace headroom::model {

struct LayerWeightTypes {
    WeightType q = WeightType::f32;
    WeightType k = WeightType::f32;
    WeightType v = WeightType::f32;
    WeightType o = WeightType::f32;
    WeightType gate = WeightType::f32;
    WeightType up = WeightType::f32;
    WeightType down = WeightType::f32;
};

/// Letters: D width, d = D/heads, q = heads/kv_heads, F ffn_width, V vocabulary.
struct Hyperparameters {
    std::string name;
    std::int32_t layers = 0;
    std::int32_t heads = 0;
    std::int32_t kv_heads = 0;
    std::int64_t width = 0;
    std::int64_t ffn_width = 0;
    std::int64_t vocabulary = 0;
    std::int64_t context = 0;
    float rms_epsilon = 1e-5F;
    double rope_theta = 10000.0;
    bool tied = false; ///< no output.weight: lm_head uses the embedding matrix
    std::vector<LayerWeightTypes> layer_types;
    WeightType embed_type = WeightType::f32;
    WeightType lm_head_type = WeightType::f32;

    [[nodiscard]] std::int64_t head_width() const { return width / heads; }
    [[nodiscard]] std::int64_t heads_per_group() const { return heads / kv_heads; }
};

} // namespace headroom::model
