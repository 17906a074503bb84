// Defines the two ways to cut a layer into blocks, the units that are placed on devices. Either
// proj (the attention's output projection, matrix o) and ffn are whole blocks, or the columns of o
// are divided among the attention groups and ffn is cut into slices. See
// docs/explanation/blocks.md#two-granularities.
#pragma once

#include <cstdint>

#include "base/block.hpp"
#include "model/architectures/hyperparameters.hpp"

namespace headroom::model {

/// With 0 slices a layer has groups, proj and ffn (granularity `paper`). With S > 0 slices a layer
/// has groups, slices and a hub (granularity `sliced`). S must divide F, the width of the ffn. Each
/// group then also has its own columns of o. Each slice has rows of gate and up, and columns of
/// down. The hub adds up partial sums and has the norms.
struct Slicing {
    std::int32_t slices = 0;

    [[nodiscard]] bool sliced() const { return slices > 0; }
    bool operator==(const Slicing&) const = default;
};

/// The columns of a matrix that a block computes with (its own columns), and the columns that it
/// stores. A block stores every quantisation block (weights with a common scale) that contains at
/// least one of the block's own columns. So if a cut goes through a quantisation block, both
/// neighbours store it. Columns are numbered as in the whole matrix.
struct Columns {
    std::int64_t first = 0;        ///< first own column
    std::int64_t count = 0;        ///< number of own columns
    std::int64_t stored_first = 0; ///< first stored column
    std::int64_t stored = 0;       ///< number of stored columns

    /// Returns the number of stored columns before the first own column.
    [[nodiscard]] std::int64_t foreign_before() const { return first - stored_first; }
};

/// Returns the columns of o that a group has, or the columns of down that a slice has.
/// Precondition: slicing.sliced(), and `name` is a group or a slice.
[[nodiscard]] Columns columns_of(
    const Hyperparameters& model, const BlockName& name, const Slicing& slicing
);

} // namespace headroom::model
