#include "base/block.hpp"

#include <array>

#include "base/check.hpp"

namespace headroom {

std::string_view name_of(BlockKind kind) {
    constexpr std::array<std::string_view, 7> kNames{
        "embed", "group", "proj", "ffn", "lm_head", "slice", "hub"};
    const auto number = static_cast<std::size_t>(kind);
    HEADROOM_CHECK(number < kNames.size(), "block kind {}", number);
    return kNames[number];
}

std::string to_string(const BlockName& name) {
    if (name.kind == BlockKind::group) {
        return fmt::format("L{}.g{}", name.layer, name.group);
    }
    if (name.kind == BlockKind::slice) {
        return fmt::format("L{}.s{}", name.layer, name.group);
    }
    if (name.layer >= 0) {
        return fmt::format("L{}.{}", name.layer, name_of(name.kind));
    }
    return std::string(name_of(name.kind));
}

} // namespace headroom
