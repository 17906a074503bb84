// Searches a model file for weights that are NaN or infinite, because results that depend on them
// are worthless. The bytes of the file are added part by part, so that one pass over the file
// serves this check and the content hash.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "model/gguf/gguf.hpp"

namespace headroom::model {

class FiniteWeightsCheck {
  public:
    /// Starts the check of all tensors whose type the decoder can compute with. `file` must outlive
    /// this object.
    explicit FiniteWeightsCheck(const GgufFile& file);

    /// Adds the next bytes of the file. The first call adds those at the start of the file.
    void add(std::span<const std::byte> piece);

    /// Returns one sentence that names the tensors with NaN or infinite weights, and for each of
    /// them the number of such weights and the row of the first one. For a quantised tensor the
    /// number counts the quantisation blocks with a NaN or infinite scale. Returns "" if all
    /// weights are finite.
    [[nodiscard]] std::string problem() const;

  private:
    /// The state of the check of one tensor. Here a block is a quantisation block, or one weight of
    /// a type that is not quantised.
    struct TensorScan {
        const GgufTensor* tensor = nullptr;
        std::uint64_t checked_bytes = 0;
        std::vector<std::byte> partial_block; ///< start of a block that ends in a later piece
        std::uint64_t non_finite = 0;         ///< number of blocks with NaN or infinity
        std::uint64_t first_non_finite = 0;   ///< number of the first such block
    };
    void check(TensorScan& scan, std::span<const std::byte> bytes);

    const GgufFile* file_;
    std::vector<TensorScan> tensors_; ///< in the order of the file
    std::size_t next_ = 0;            ///< index of the first tensor that is not checked to its end
    std::uint64_t file_offset_ = 0;   ///< where the next piece begins
};

} // namespace headroom::model
