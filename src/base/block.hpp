// The kinds and names of blocks, which scheduler, model, runtime and trace share. The order and
// costs of blocks are in scheduler/core/blocks.hpp, their weights in model/.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

namespace headroom {

/// The kind of a block. Traces store the number of a kind, so a new kind must be added at the end.
/// proj and ffn belong to granularity `paper`, slice and hub to granularity `sliced`.
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
/// Returns "embed", "L3.g5", "L3.proj", "L3.ffn", "L3.s2", "L3.hub" or "lm_head".
[[nodiscard]] std::string to_string(const BlockName& name);

} // namespace headroom
