// What a block is, by name: the word that scheduler, model, runtime and trace share.
// Their order and costs belong to scheduler/core/blocks.hpp, their weights to model/.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

namespace headroom {

/// A trace stores the number: new ones go to the end. proj and ffn belong to granularity `paper`,
/// slice and hub to `sliced`.
enum class BlockKind : std::uint8_t { embed, group, proj, ffn, lm_head, slice, hub };

/// One unit of placement. `layer` is -1 for embed and lm_head; `group` is the number of a group or
/// a slice within its layer, -1 for all others.
struct BlockName {
    BlockKind kind = BlockKind::embed;
    std::int32_t layer = -1;
    std::int32_t group = -1;

    auto operator<=>(const BlockName&) const = default;
};

[[nodiscard]] std::string_view name_of(BlockKind kind);
/// "embed", "L3.g5", "L3.proj", "L3.ffn", "L3.s2", "L3.hub", "lm_head".
[[nodiscard]] std::string to_string(const BlockName& name);

} // namespace headroom
