// The shape of a decoder: all that costs and memory depend on, and nothing of its weights' values.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/units.hpp"
#include "base/weight_type.hpp"

namespace headroom::scheduler {

/// Stored types of one layer's matrices.
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

/// Letters as in docs/explanation/blocks.md: D = heads·d, q = heads/kv_heads, F, V.
struct ModelShape {
    std::int32_t layers = 0;
    std::int32_t heads = 0;
    std::int32_t kv_heads = 0;
    std::int64_t width = 0;              ///< D
    std::int64_t ffn_width = 0;          ///< F
    bool gated = true;                   ///< three FFN matrices instead of two
    std::int64_t vocabulary = 0;         ///< V
    std::int64_t context = 0;            ///< longest context in tokens
    std::vector<LayerTypes> layer_types; ///< one per layer
    WeightType embed_type = WeightType::f32;
    WeightType lm_head_type = WeightType::f32;
    Bytes kv_bytes = 4; ///< bytes per cached element
    bool tied = false;  ///< lm_head uses embed's matrix
    bool ends = true;   ///< has embed and lm_head; false: x starts on the source and the last
                        ///< ffn's output returns there (docs/explanation/instances.md)
    bool norms = true;  ///< norm weights are counted in resident bytes

    [[nodiscard]] std::int64_t head_width() const { return width / heads; }         ///< d
    [[nodiscard]] std::int64_t heads_per_group() const { return heads / kv_heads; } ///< q
    /// All that is wrong with it, one sentence each; empty: usable.
    [[nodiscard]] std::vector<std::string> problems() const;
    bool operator==(const ModelShape&) const = default;
};

} // namespace headroom::scheduler
