// The kinds and names of blocks. A block is the unit that is placed on a device, such as an
// attention head with its KV cache. scheduler/core/blocks.hpp has the order and costs of blocks.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

namespace headroom {

/// The kind of a block. In each layer a `group` is a K/V head with its query heads, `proj` is the
/// output projection of attention, and `ffn` is the feed-forward network. In granularity `sliced` a
/// layer has no proj and no ffn, but slices of the ffn and a hub that adds up partial sums. Traces
/// (the files that runs write) store a kind as its number, so a new kind must be the last one.
enum class BlockKind : std::uint8_t { embed, group, proj, ffn, lm_head, slice, hub };

/// The name of one block. `layer` is -1 for embed and lm_head. `group` is the number of a group or
/// of a slice within its layer, and -1 for the other kinds.
struct BlockName {
    BlockKind kind = BlockKind::embed;
    std::int32_t layer = -1;
    std::int32_t group = -1;

    auto operator<=>(const BlockName&) const = default;
};

[[nodiscard]] std::string_view name_of(BlockKind kind);
/// Returns the name as a text. For embed and lm_head this is "embed" and "lm_head"; for the blocks
/// of layer 3 it is, for example, "L3.g5" (group 5), "L3.s2" (slice 2), "L3.proj", "L3.ffn" or
/// "L3.hub".
[[nodiscard]] std::string to_string(const BlockName& name);

} // namespace headroom
