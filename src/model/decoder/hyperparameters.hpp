// The hyperparameters of a decoder, as a model file states them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/weight_type.hpp"

namespace headroom::model {

/// The weight types with which the matrices of one layer are computed.
struct LayerWeightTypes {
    WeightType q = WeightType::f32;
    WeightType k = WeightType::f32;
    WeightType v = WeightType::f32;
    WeightType o = WeightType::f32;
    WeightType gate = WeightType::f32;
    WeightType up = WeightType::f32;
    WeightType down = WeightType::f32;
};

/// The letters of other headers: D is width, d is head_width(), q is heads_per_group(), F is
/// ffn_width and V is vocabulary.
struct Hyperparameters {
    std::string name;
    std::int32_t layers = 0;
    std::int32_t heads = 0;
    std::int32_t kv_heads = 0;
    std::int64_t width = 0;
    std::int64_t ffn_width = 0;
    std::int64_t vocabulary = 0;
    std::int64_t context = 0; ///< longest sequence in tokens
    float rms_epsilon = 1e-5F;
    double rope_theta = 10000.0;
    bool tied = false; ///< the file has no output.weight: lm_head uses the embedding matrix
    std::vector<LayerWeightTypes> layer_types; ///< one per layer
    WeightType embed_type = WeightType::f32;
    WeightType lm_head_type = WeightType::f32;

    [[nodiscard]] std::int64_t head_width() const { return width / heads; }
    [[nodiscard]] std::int64_t heads_per_group() const { return heads / kv_heads; }
};

} // namespace headroom::model
