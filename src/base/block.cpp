#include "base/block.hpp"

#include "base/check.hpp"

namespace headroom {

std::string_view name_of(BlockKind kind) {
    switch (kind) {
    case BlockKind::embed:
        return "embed";
    case BlockKind::group:
        return "group";
    case BlockKind::proj:
        return "proj";
    case BlockKind::ffn:
        return "ffn";
    case BlockKind::lm_head:
        return "lm_head";
    case BlockKind::slice:
        return "slice";
    case BlockKind::hub:
        return "hub";
    }
    HEADROOM_CHECK(false, "block kind {}", static_cast<int>(kind));
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
