// The shape of a decoder: the sizes and weight types on which costs and memory depend.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/units.hpp"
#include "base/weight_type.hpp"

namespace headroom::scheduler {

/// The weight types of one layer's matrices.
struct LayerTypes {
    WeightType q = WeightType::f32;
    WeightType k = WeightType::f32;
    WeightType v = WeightType::f32;
    WeightType o = WeightType::f32;
    WeightType gate = WeightType::f32;
    WeightType up = WeightType::f32;
    WeightType down = WeightType::f32;

    static LayerTypes all(WeightType type) { return {type, type, type, type, type, type, type}; }
    bool operator==(const LayerTypes&) const = default;
};

/// The letters are those of docs/explanation/blocks.md.
struct ModelShape {
    std::int32_t layers = 0;
    std::int32_t heads = 0;
    std::int32_t kv_heads = 0;
    std::int64_t width = 0;              ///< D
    std::int64_t ffn_width = 0;          ///< F
    bool gated = true;                   ///< FFNs have three matrices (gate, up, down), not two
    std::int64_t vocabulary = 0;         ///< V
    std::int64_t context = 0;            ///< the longest context in tokens
    std::vector<LayerTypes> layer_types; ///< one per layer
    WeightType embed_type = WeightType::f32;
    WeightType lm_head_type = WeightType::f32;
    Bytes kv_bytes = 4; ///< bytes per element of the KV cache
    bool tied = false;  ///< whether lm_head uses the matrix of embed
    /// Whether there are embed and lm_head. If not, x begins on the source and the output of the
    /// last layer returns to it (docs/explanation/instances.md).
    bool has_ends = true;
    bool norms = true; ///< whether resident bytes include norm weights

    [[nodiscard]] std::int64_t head_width() const { return width / heads; }         ///< d
    [[nodiscard]] std::int64_t heads_per_group() const { return heads / kv_heads; } ///< q
    /// Returns all reasons why the shape cannot be used, one sentence each.
    [[nodiscard]] std::vector<std::string> problems() const;
    bool operator==(const ModelShape&) const = default;
};

} // namespace headroom::scheduler
