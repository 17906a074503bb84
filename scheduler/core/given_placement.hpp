// A placement that a user gives, for policy `given`: as numbers of layers, or as ranges of blocks.
// It can be read before the model is known, so its ranges name blocks instead of containing ids.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/ids.hpp"
#include "scheduler/core/blocks.hpp"

namespace headroom::scheduler {

/// Consecutive blocks on one device, from `first` to `last` in canonical order. Each end is the
/// name of a block, such as "L3.g5", or of a whole layer, such as "L3".
struct GivenRange {
    DeviceId device;
    std::string first;
    std::string last;
    bool operator==(const GivenRange&) const = default;
};

/// At most one of `layers` and `ranges` is not empty.
struct GivenPlacement {
    std::vector<std::int64_t> layers{}; ///< number of consecutive whole layers on each device
    std::vector<GivenRange> ranges{};   ///< every block in exactly one range; ends may be left out
    /// The names of all blocks that the file of the placement had, in canonical order. Empty if the
    /// placement is not from a file, or if the blocks were compared with those of the model.
    std::vector<std::string> made_for{};

    [[nodiscard]] bool empty() const { return layers.empty() && ranges.empty(); }
    /// Returns whether both place the blocks of a model in the same way. `made_for` only says which
    /// models are accepted, so it is not compared.
    bool operator==(const GivenPlacement& other) const {
        return layers == other.layers && ranges == other.ranges;
    }
};

struct GivenBlocks {
    Placement placement; ///< not valid if there are problems
    /// Why the placement does not suit the blocks. Each continues a sentence that begins with the
    /// name of the placement: "is of 12 blocks, …".
    std::vector<std::string> problems{};
};

/// Returns the device of each block. Without ranges for them, embed and lm_head are on the source.
/// ends_at_source: whether they must be there. Precondition: the placement is not empty.
[[nodiscard]] GivenBlocks place_given(
    const GivenPlacement& given, const Blocks& blocks, DeviceId source, bool ends_at_source
);

/// Returns the ranges of a placement by increasing device, then in canonical order. They contain
/// whole layers where they can. names: those of all blocks, in canonical order.
/// Precondition: both lists have the same length.
[[nodiscard]] std::vector<GivenRange> given_ranges(
    const std::vector<std::string>& names, const Placement& placement
);

} // namespace headroom::scheduler
