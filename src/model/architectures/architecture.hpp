// The table of architectures that the decoder can compute. A row says which tensors a GGUF file of
// an architecture has and what its decoders compute. Each row is in a file of its own; list.hpp
// lists them. docs/how-to/add-an-architecture.md explains how to add one.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "base/model_shape.hpp"
#include "model/architectures/features.hpp"
#include "model/architectures/tensor_role.hpp"

namespace headroom::model {

/// Returns a number of rows or columns.
using Extent = std::int64_t (*)(const ModelShape&);

/// A tensor of a layer, or a range of rows of one: consecutive elements of a table that have the
/// same name are the parts of one tensor of the file, in the order of their rows.
struct LayerTensor {
    /// The role of the tensor in its block. The attention norm of a layer has the role next_norm
    /// (the norm for the next layer), because the layer before applies it. No layer is before layer
    /// 0, so block embed applies the attention norm of layer 0, in the role first_norm.
    TensorRole role = TensorRole::q;
    std::string_view name; ///< NAME in the file's "blk.LAYER.NAME", with its ending
    Extent columns = nullptr;
    Extent rows = nullptr;                  ///< null for vectors (norms and biases)
    WeightType LayerTypes::*type = nullptr; ///< null for vectors, which are F32
};

/// How the RoPE of layers with a window differs from that of the others: not at all; it is not
/// scaled; or it is not scaled and has the base of key `rope.freq_base_swa`, else 10000.
enum class WindowRope : std::uint8_t { same, unscaled, base_10000 };

/// A row of the table. A decoder has RMS norms, softmax attention with RoPE, and gated FFNs without
/// biases; the fields say the rest.
struct Architecture {
    std::string_view name; ///< the value of `general.architecture`; other keys begin with it
    std::span<const LayerTensor> layer_tensors;
    Features features{}; ///< of all models; what a file's metadata say is added to it
    bool qkv_bias = false;
    QkNorm qk_norm = QkNorm::none;
    NormPlace norm_place = NormPlace::before;
    /// The names, without the architecture's prefix, of the keys that this architecture gives a
    /// meaning, of those in metadata/feature_keys.cpp that not all have. A file in which another of
    /// them has an effect is refused.
    std::span<const std::string_view> keys{};
    std::int64_t window = 0; ///< of files without the key `attention.sliding_window`; 0: none
    /// In models with a window, the last of each such number of layers has none; 0: all have one.
    std::int64_t window_period = 0;
    WindowRope window_rope = WindowRope::same;
    /// Changes what follows from sizes or has its own rules; called when metadata has been read.
    /// Null: there is nothing of that kind.
    void (*adjust)(ModelShape& shape, Features& features) = nullptr;
};

[[nodiscard]] std::span<const Architecture* const> architectures();
/// Returns null if no row has this name.
[[nodiscard]] const Architecture* find_architecture(std::string_view name);

} // namespace headroom::model
