// Looks for weights that are NaN or infinite while a model file's bytes pass by: one of them spoils
// every number that it meets.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "model/gguf/gguf.hpp"

namespace headroom::model {

class FiniteWeights {
  public:
    /// Of all tensors that can be computed with; `file` outlives this object.
    explicit FiniteWeights(const GgufFile& file);

    /// The file's bytes from its start on, piece after piece.
    void add(std::span<const std::byte> piece);

    /// Tensors with weights that are not finite, each with how many and their first row; "" if
    /// there are none. Of quantised types it is the blocks' scales that can be so.
    [[nodiscard]] std::string problem() const;

  private:
    /// A tensor and how much of it has passed.
    struct Passing {
        const GgufTensor* tensor = nullptr;
        std::uint64_t seen = 0;       ///< bytes
        std::vector<std::byte> begun; ///< of a block that ends in a later piece
        std::uint64_t broken = 0;
        std::uint64_t first = 0; ///< block with the first of them
    };
    void take_in(Passing& passing, std::span<const std::byte> bytes);

    const GgufFile* file_;
    std::vector<Passing> tensors_; ///< in the order of the file
    std::size_t next_ = 0;         ///< of these, the first whose end has not passed
    std::uint64_t at_ = 0;         ///< in the file
};

} // namespace headroom::model
