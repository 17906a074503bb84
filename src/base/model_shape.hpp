// The shape of a decoder: the sizes and weight types on which costs and memory depend. Code that
// handles all fields alike (for model files, traces, checks and `headroom inspect`) iterates over
// the lists kLayerTypeFields and kShapeFields. A trace is the HDF5 file that a run writes.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "base/units.hpp"
#include "base/weight_type.hpp"

namespace headroom {

/// Upper limits for the dimensions of a model, whether it comes from a scenario, a model file or a
/// trace. They are far above all existing models, and low enough that the bytes and operations of
/// one token fit in 64 bits. scheduler/size_limits checks the sizes that depend also on the lengths
/// of prompts and the number of sequences.
inline constexpr std::int64_t kMaxModelLayers = 4096;
inline constexpr std::int64_t kMaxModelHeads = 4096;
inline constexpr std::int64_t kMaxModelWidth = 262'144;
inline constexpr std::int64_t kMaxModelFfnWidth = 4'194'304;
inline constexpr std::int64_t kMaxModelContext = std::int64_t{1} << 24;
inline constexpr std::int64_t kMaxModelVocabulary = std::numeric_limits<std::int32_t>::max();

/// The types in which the weights of one layer's matrices are stored. Kernels read these types
/// directly.
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

/// How queries and keys are normalised: not at all, each head by itself (Qwen 3, Gemma 3), or all
/// heads of a token together (OLMo 2).
enum class QkNorm : std::uint8_t { none, head, width };
inline constexpr std::array<std::string_view, 3> kQkNormNames{"none", "head", "width"};

/// Where attention and the ffn of a layer have norms (RMS norms): one on their input, one on their
/// output before it is added to the residual stream (OLMo 2), or both (Gemma).
enum class NormPlace : std::uint8_t { before, after, around };
inline constexpr std::array<std::string_view, 3> kNormPlaceNames{"before", "after", "around"};

/// The letters D, F, V, d and q are those of docs/explanation/blocks.md.
struct ModelShape {
    std::int32_t layers = 0;
    std::int32_t heads = 0;              ///< query heads
    std::int32_t kv_heads = 0;           ///< K/V heads, each with a group of query heads
    std::int64_t width = 0;              ///< D
    std::int64_t own_head_width = 0;     ///< d, if that is not width / heads; else 0
    std::int64_t ffn_width = 0;          ///< F
    bool gated = true;                   ///< whether FFNs have a gate matrix beside up and down
    std::int64_t vocabulary = 0;         ///< V
    std::int64_t context = 0;            ///< the longest context in tokens
    std::vector<LayerTypes> layer_types; ///< one element per layer
    WeightType embed_type = WeightType::f32;
    WeightType lm_head_type = WeightType::f32;
    /// The type in which the KV cache is stored, one of kCacheTypes.
    WeightType kv_type = WeightType::f32;
    bool tied = false; ///< whether lm_head uses the matrix of embed
    /// Whether the model has embed and lm_head. Without them, the first layer's input begins on the
    /// source (the device where prompts come in), and the last layer's output returns to the source
    /// (docs/explanation/instances.md).
    bool has_ends = true;
    /// Whether norm weights count as memory. Only random problems of tests have false, because
    /// their definition leaves norm weights out (docs/explanation/instances.md).
    bool norms = true;
    /// In layers with a window a token attends to the last `window` tokens, itself included. 0: no
    /// layer has a window.
    std::int64_t window = 0;
    /// Of each `window_period` layers the last has no window. 0: all layers have a window.
    std::int64_t window_period = 0;
    /// A mixture of experts: each ffn has `experts` networks of width `ffn_width`, of which a token
    /// uses `experts_used`. 0: ffns have no experts. Such shapes are planned and simulated only.
    std::int64_t experts = 0;
    std::int64_t experts_used = 0;
    bool qkv_bias = false; ///< whether q, k and v have biases (F32)
    /// Whether queries and keys are normalised (RMS norm) before the rotary embedding.
    QkNorm qk_norm = QkNorm::none;
    /// Where attention and ffn have their norms.
    NormPlace norm_place = NormPlace::before;

    [[nodiscard]] std::int64_t head_width() const { ///< d
        return own_head_width > 0 ? own_head_width : width / heads;
    }
    [[nodiscard]] std::int64_t heads_per_group() const { return heads / kv_heads; } ///< q
    /// Returns the number of columns of o: the outputs of all heads.
    [[nodiscard]] std::int64_t attention_width() const { return heads * head_width(); }
    [[nodiscard]] bool norms_before() const { return norm_place != NormPlace::after; }
    [[nodiscard]] bool norms_after() const { return norm_place != NormPlace::before; }
    /// Returns how many experts an operation with `tokens` tokens reads, 0 if ffns have none: as
    /// if no two tokens used the same one while there are others.
    [[nodiscard]] std::int64_t experts_touched(std::int64_t tokens) const {
        return std::min(experts, tokens * experts_used);
    }
    /// Returns n if tokens of this layer attend to the last n tokens only, 0 if to all.
    [[nodiscard]] std::int64_t window_of(std::int32_t layer) const {
        const bool global = window_period > 0 && (layer + 1) % window_period == 0;
        return global ? 0 : window;
    }
    /// Returns why KV caches cannot have the type `kv_type`, or "". Precondition: heads > 0.
    [[nodiscard]] std::string cache_problem() const;
    /// Returns the floats of a token's RoPE angles: d, or 2·d if there are layers with and without
    /// a window, whose angles may differ.
    [[nodiscard]] std::int64_t angle_width() const {
        return (window > 0 && window_period > 1 ? 2 : 1) * head_width();
    }
    /// Returns all reasons why the shape is invalid, one line for each.
    [[nodiscard]] std::vector<std::string> problems() const;
    bool operator==(const ModelShape&) const = default;
};

/// A field of ModelShape or LayerTypes.
template <class Struct, class T>
struct ShapeField {
    const char* name; ///< name in traces, messages and `headroom inspect`
    T Struct::*member;
    std::int64_t max = 0; ///< upper limit if the field is a size, else 0
    /// The field's key in GGUF files without the architecture's prefix; null if no key holds it.
    const char* gguf_key = nullptr;
};
template <class Struct, class T>
ShapeField(const char*, T Struct::*, std::int64_t = 0, const char* = nullptr)
    -> ShapeField<Struct, T>;

/// The fields of LayerTypes, in the column order of a trace's table /layers.
inline constexpr std::tuple kLayerTypeFields{
    ShapeField{"q", &LayerTypes::q},
    ShapeField{"k", &LayerTypes::k},
    ShapeField{"v", &LayerTypes::v},
    ShapeField{"o", &LayerTypes::o},
    ShapeField{"gate", &LayerTypes::gate},
    ShapeField{"up", &LayerTypes::up},
    ShapeField{"down", &LayerTypes::down},
};

/// The fields of ModelShape except layer_types, in the column order of a trace's table /model.
inline constexpr std::tuple kShapeFields{
    ShapeField{"layers", &ModelShape::layers, kMaxModelLayers, "block_count"},
    ShapeField{"heads", &ModelShape::heads, kMaxModelHeads, "attention.head_count"},
    ShapeField{"kv_heads", &ModelShape::kv_heads, kMaxModelHeads, "attention.head_count_kv"},
    ShapeField{"width", &ModelShape::width, kMaxModelWidth, "embedding_length"},
    ShapeField{"ffn_width", &ModelShape::ffn_width, kMaxModelFfnWidth, "feed_forward_length"},
    ShapeField{"gated", &ModelShape::gated},
    ShapeField{"vocabulary", &ModelShape::vocabulary, kMaxModelVocabulary},
    ShapeField{"context", &ModelShape::context, kMaxModelContext, "context_length"},
    ShapeField{"embed_type", &ModelShape::embed_type},
    ShapeField{"lm_head_type", &ModelShape::lm_head_type},
    ShapeField{"tied", &ModelShape::tied},
    ShapeField{"ends", &ModelShape::has_ends},
    ShapeField{"norms", &ModelShape::norms},
    ShapeField{"head_width", &ModelShape::own_head_width},
    ShapeField{"kv_type", &ModelShape::kv_type},
    ShapeField{"window", &ModelShape::window},
    ShapeField{"window_period", &ModelShape::window_period},
    ShapeField{"experts", &ModelShape::experts},
    ShapeField{"experts_used", &ModelShape::experts_used},
    ShapeField{"qkv_bias", &ModelShape::qkv_bias},
    ShapeField{"qk_norm", &ModelShape::qk_norm},
    ShapeField{"norm_place", &ModelShape::norm_place},
};

/// Calls visit(field) for each field of ModelShape that is a size (max > 0).
template <class Visit>
void for_each_size(const Visit& visit) {
    const auto visit_size = [&]<class T>(const ShapeField<ModelShape, T>& field) {
        if constexpr (std::is_same_v<T, std::int32_t> || std::is_same_v<T, std::int64_t>) {
            if (field.max > 0) {
                visit(field);
            }
        }
    };
    std::apply([&](const auto&... fields) { (visit_size(fields), ...); }, kShapeFields);
}

} // namespace headroom
