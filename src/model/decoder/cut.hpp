// How the layers of a decoder are cut into blocks: as whole blocks, or with proj cut along its
// input among the groups and the ffn into slices. Source:
// docs/explanation/blocks.md#two-granularities.
#pragma once

#include <cstdint>

#include "base/block.hpp"
#include "model/decoder/hyperparameters.hpp"

namespace headroom::model {

/// slices 0: groups, proj and ffn (granularity `paper`). S > 0, a divisor of F: each group has its
/// own columns of o, S slices have rows of gate and up and columns of down, a hub has the norms.
struct Cut {
    std::int32_t slices = 0;

    [[nodiscard]] bool sliced() const { return slices > 0; }
    bool operator==(const Cut&) const = default;
};

/// A block's own columns of a matrix. What is stored are the quantisation blocks that hold any of
/// them, so a quantisation block that is cut is stored on both sides.
struct Columns {
    std::int64_t first = 0;        ///< of the matrix
    std::int64_t count = 0;        ///< the block's own
    std::int64_t stored_first = 0; ///< of the matrix
    std::int64_t stored = 0;

    /// Stored columns before the first own one.
    [[nodiscard]] std::int64_t before() const { return first - stored_first; }
};

/// The columns of o that a group has, or those of down that a slice has.
/// Precondition: cut.sliced(), and name is a group or a slice.
[[nodiscard]] Columns columns_of(
    const Hyperparameters& model, const BlockName& name, const Cut& cut
);

} // namespace headroom::model
