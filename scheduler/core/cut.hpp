// How a layer is cut into blocks (the units that are placed on devices), and how the partial sums
// of a sliced layer are added up. See docs/explanation/blocks.md#two-granularities.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/model_shape.hpp"

namespace headroom::scheduler {

/// Granularity `paper`: proj (attention's output projection) and ffn are one block each.
/// Granularity `sliced`: each group (a K/V head with its query heads) applies its own columns of
/// the output projection, the ffn is cut into slices, and a block called hub adds up the partial
/// sums.
enum class Granularity : std::uint8_t { paper, sliced };

/// Where the partial sums of a sliced layer are added up: on the device of the hub, or by a ring
/// all-reduce on all devices that have blocks (docs/explanation/blocks.md#ring-all-reduce).
enum class Reduce : std::uint8_t { hub, ring };

[[nodiscard]] std::string_view name_of(Granularity granularity);
[[nodiscard]] std::string_view name_of(Reduce reduce);

struct Cut {
    Granularity granularity = Granularity::paper;
    std::int32_t slices = 0; ///< the number of slices of each ffn; 0 in granularity `paper`
    Reduce reduce = Reduce::hub;

    [[nodiscard]] bool sliced() const { return granularity == Granularity::sliced; }
    /// Returns all reasons why a model of this shape cannot be cut in this way, one sentence each.
    [[nodiscard]] std::vector<std::string> problems(const ModelShape& shape) const;
    bool operator==(const Cut&) const = default;
};

} // namespace headroom::scheduler
