// Units are the blocks of a layer that are alike and compute in parallel: its groups (K/V heads),
// and in granularity `sliced` also its ffn slices. Searches decide how many units each device gets.
#pragma once

#include <cstdint>
#include <span>

#include "base/ids.hpp"
#include "scheduler/core/blocks.hpp"

namespace headroom::scheduler {

enum class Unit : std::uint8_t { group, slice };

[[nodiscard]] inline std::span<const Unit> units_of(const Blocks& blocks) {
    static constexpr Unit kBoth[] = {Unit::group, Unit::slice};
    return {kBoth, blocks.sliced() ? std::size_t{2} : std::size_t{1}};
}

[[nodiscard]] inline std::int32_t count_of(const Blocks& blocks, Unit unit) {
    return unit == Unit::group ? blocks.groups() : blocks.slices();
}

/// Returns group or slice i of a layer. Its groups have consecutive ids, and so have its slices.
[[nodiscard]] inline BlockId unit_of(
    const Blocks& blocks, Unit unit, std::size_t layer, std::int32_t i
) {
    const auto l = static_cast<std::int32_t>(layer);
    return unit == Unit::group ? blocks.group(l, i) : blocks.slice(l, i);
}

/// For Unit::slice, returns the slice of a layer with the largest matrices. Slices can differ,
/// because a quantisation block that two slices share is stored by both. For Unit::group, returns
/// the first group, although groups can differ in granularity `sliced`, too.
[[nodiscard]] inline BlockId largest_unit_of(const Blocks& blocks, Unit unit, std::size_t layer) {
    BlockId largest = unit_of(blocks, unit, layer, 0);
    for (std::int32_t i = 1; unit == Unit::slice && i < blocks.slices(); ++i) {
        const BlockId other = unit_of(blocks, unit, layer, i);
        largest = blocks.matrix_bytes(other) > blocks.matrix_bytes(largest) ? other : largest;
    }
    return largest;
}

/// Returns the block that receives the outputs of a layer's groups: the layer's proj or its hub.
[[nodiscard]] inline BlockId reduction_block_of(const Blocks& blocks, std::size_t layer) {
    const auto l = static_cast<std::int32_t>(layer);
    return blocks.sliced() ? blocks.hub(l) : blocks.proj(l);
}

[[nodiscard]] inline BlockId activation_block_of(const Blocks& blocks, std::size_t layer) {
    return blocks.activation_block(static_cast<std::int32_t>(layer));
}

} // namespace headroom::scheduler
