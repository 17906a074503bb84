// The single-device reference decoder: the judge of every distributed run. It shares kernels and
// order of sums with the runtime (model/decoder/execute.hpp) and nothing else: no programs, no
// timeline, no transport.
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
    /// Copies all weights out of the file. The size of pieces changes no bit of a result; the cut
    /// does. Throws InputError if cut.slices does not divide the FFN's width.
    Oracle(
        const GgufFile& file,
        const kernels::Kernels& kernels,
        const Cut& cut = {},
        std::pmr::memory_resource* resource = std::pmr::new_delete_resource(),
        Bytes piece_bytes = Bytes{64} * 1024
    );

    /// Appends n ≥ 1 tokens in one go; the logits (V) after the last of them, valid until the next
    /// call. Throws InputError if the context would be exceeded or an id is not in the vocabulary.
    std::span<const float> append(std::span<const std::int32_t> ids);
    void reset(); ///< forgets the cache
    [[nodiscard]] const Hyperparameters& hyperparameters() const { return model_; }

  private:
    struct Layer {
        std::vector<Block> groups;
        std::vector<GroupCache> caches;
        std::vector<Block> rest; ///< proj, ffn; sliced: the slices, hub
    };
    struct Buffers;
    [[nodiscard]] Layer load_layer(
        const WeightFile& weights, std::int32_t number, Bytes piece_bytes
    ) const;
    void run_layer(Layer& layer, std::int64_t n, Buffers& buffers);
    void run_sliced_layer(Layer& layer, std::int64_t n, Buffers& buffers);

    Hyperparameters model_;
    const kernels::Kernels* kernels_;
    Cut cut_;
    std::pmr::memory_resource* resource_;
    Block embed_;
    Block lm_head_;
    std::vector<Layer> layers_;
    std::int64_t length_ = 0;
    std::vector<float> logits_;
};

} // namespace headroom::model
