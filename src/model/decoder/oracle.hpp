// The reference decoder. It runs all blocks of a model in one process, one after the other, and
// tests compare the logits of distributed runs with its logits. The reference decoder and the
// runtime both compute blocks with model/decoder/execute.hpp. Only the runtime has programs (lists
// of instructions for a device), virtual time and messages.
#pragma once

#include <cstdint>
#include <memory_resource>
#include <span>
#include <vector>

#include "model/decoder/execute.hpp"
#include "model/decoder/weight_file.hpp"
#include "model/gguf/gguf.hpp"

namespace headroom::model {

class Oracle {
  public:
    /// Copies all weights out of the file. Results depend on the slicing and the type of the KV
    /// caches, but not on `piece_bytes`, the size of allocations. Throws InputError if
    /// slicing.slices does not divide the width of the FFN, or if caches of type `kv_type` cannot
    /// have the model's width of heads.
    Oracle(
        const GgufFile& file,
        const kernels::Kernels& kernels,
        const Slicing& slicing = {},
        std::pmr::memory_resource* resource = std::pmr::new_delete_resource(),
        Bytes piece_bytes = Bytes{64} * 1024,
        WeightType kv_type = WeightType::f32
    );
    /// The same for other hyperparameters than those of the file. Precondition: the file's tensors
    /// fit them.
    Oracle(
        const GgufFile& file,
        Hyperparameters model,
        const kernels::Kernels& kernels,
        const Slicing& slicing = {},
        std::pmr::memory_resource* resource = std::pmr::new_delete_resource(),
        Bytes piece_bytes = Bytes{64} * 1024
    );

    /// Appends n ≥ 1 tokens in one forward pass. Returns the V logits after the last token (V is
    /// the size of the vocabulary). The returned span is valid until the next call. Throws
    /// InputError if `ids` is empty, if the context would be exceeded or if an id is not in the
    /// vocabulary.
    std::span<const float> append(std::span<const std::int32_t> ids);
    void reset(); ///< empties the KV cache
    [[nodiscard]] const Hyperparameters& hyperparameters() const { return model_; }

  private:
    struct Layer {
        std::vector<Block> groups;
        std::vector<GroupCache> caches;
        std::vector<Block> rest; ///< proj and ffn; if sliced, the slices and then the hub
    };
    struct Buffers;
    [[nodiscard]] GroupCache new_cache(std::int32_t layer) const;
    /// Computes the groups of a layer: calls attend(g, rows, scratch, norms) for each, after its
    /// projections.
    template <class Attend>
    void run_groups(Layer& layer, std::int64_t n, Buffers& buffers, const Attend& attend);
    [[nodiscard]] Layer load_layer(
        const WeightFile& weights, std::int32_t number, Bytes piece_bytes
    ) const;
    void run_layer(Layer& layer, std::int64_t n, Buffers& buffers);
    void run_sliced_layer(Layer& layer, std::int64_t n, Buffers& buffers);

    Hyperparameters model_;
    const kernels::Kernels* kernels_;
    Slicing slicing_;
    std::pmr::memory_resource* resource_;
    Block embed_;
    Block lm_head_;
    std::vector<Layer> layers_;
    std::int64_t length_ = 0; ///< tokens in the KV cache
    std::vector<float> logits_;
};

} // namespace headroom::model
