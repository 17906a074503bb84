// The blocks of a layer that are equal and work side by side: its groups, and in granularity
// `sliced` the slices of its ffn. Searches think of them in counts per device.
#pragma once

#include <cstdint>
#include <span>

#include "base/ids.hpp"
#include "scheduler/core/blocks.hpp"

namespace headroom::scheduler {

enum class Unit : std::uint8_t { group, slice };

/// The kinds of units that a layer has.
[[nodiscard]] inline std::span<const Unit> units_of(const Blocks& blocks) {
    static constexpr Unit kBoth[] = {Unit::group, Unit::slice};
    return {kBoth, blocks.sliced() ? std::size_t{2} : std::size_t{1}};
}

/// How many of them a layer has.
[[nodiscard]] inline std::int32_t count_of(const Blocks& blocks, Unit unit) {
    return unit == Unit::group ? blocks.groups() : blocks.slices();
}

/// Ids of one layer's units follow each other.
[[nodiscard]] inline BlockId unit_of(
    const Blocks& blocks, Unit unit, std::size_t layer, std::int32_t i
) {
    const auto l = static_cast<std::int32_t>(layer);
    return unit == Unit::group ? blocks.group(l, i) : blocks.slice(l, i);
}

/// The unit that stands for all of its layer: groups are alike; of slices the one that needs most,
/// because where an edge cuts a quantisation block, both neighbours hold it.
[[nodiscard]] inline BlockId typical_of(const Blocks& blocks, Unit unit, std::size_t layer) {
    BlockId largest = unit_of(blocks, unit, layer, 0);
    for (std::int32_t i = 1; unit == Unit::slice && i < blocks.slices(); ++i) {
        const BlockId other = unit_of(blocks, unit, layer, i);
        largest = blocks.matrix_bytes(other) > blocks.matrix_bytes(largest) ? other : largest;
    }
    return largest;
}

/// The block that the outputs of groups go to, and the one whose device holds x afterwards. In
/// granularity `sliced` both are the hub.
[[nodiscard]] inline BlockId gatherer_of(const Blocks& blocks, std::size_t layer) {
    const auto l = static_cast<std::int32_t>(layer);
    return blocks.sliced() ? blocks.hub(l) : blocks.proj(l);
}

[[nodiscard]] inline BlockId holder_of(const Blocks& blocks, std::size_t layer) {
    return blocks.holder(static_cast<std::int32_t>(layer));
}

} // namespace headroom::scheduler
