// What can be wrong with a shape, all of it at once.
#include "scheduler/core/shape.hpp"

#include <algorithm>
#include <string_view>

#include <fmt/format.h>

#include "base/limits.hpp"

namespace headroom::scheduler {

namespace {

void need(
    std::vector<std::string>& found, std::string_view what, std::int64_t value, std::int64_t most
) {
    if (value < 1) {
        found.push_back(fmt::format("{} is {} but must be at least 1", what, value));
    } else if (value > most) {
        found.push_back(fmt::format("{} is {} but must be at most {}", what, value, most));
    }
}

/// Rows of a quantised matrix hold whole quantisation blocks.
void need_whole_blocks(
    std::vector<std::string>& found, std::string_view what, WeightType type, std::int64_t columns
) {
    if (columns > 0 && columns % block_elements(type) != 0) {
        found.push_back(fmt::format(
            "{} is {} with rows of {} elements, not a multiple of {}",
            what,
            name_of(type),
            columns,
            block_elements(type)
        ));
    }
}

void check_heads(const ModelShape& shape, std::vector<std::string>& found) {
    if (shape.heads < 1 || shape.kv_heads < 1) {
        return; // said already
    }
    if (shape.heads % shape.kv_heads != 0) {
        found.push_back(fmt::format(
            "heads ({}) is not a multiple of kv_heads ({})", shape.heads, shape.kv_heads
        ));
    }
    if (shape.width % shape.heads != 0) {
        found.push_back(
            fmt::format("width ({}) is not a multiple of heads ({})", shape.width, shape.heads)
        );
    }
}

void check_types(const ModelShape& shape, std::vector<std::string>& found) {
    if (shape.layer_types.size() != static_cast<std::size_t>(std::max(shape.layers, 0))) {
        found.push_back(
            fmt::format("{} layers but types for {}", shape.layers, shape.layer_types.size())
        );
    }
    for (std::size_t layer = 0; layer < shape.layer_types.size(); ++layer) {
        const LayerTypes& types = shape.layer_types[layer];
        const auto check = [&](std::string_view matrix, WeightType type, std::int64_t columns) {
            need_whole_blocks(found, fmt::format("layer {} {}", layer, matrix), type, columns);
        };
        check("q", types.q, shape.width);
        check("k", types.k, shape.width);
        check("v", types.v, shape.width);
        check("o", types.o, shape.width);
        if (shape.gated) {
            check("gate", types.gate, shape.width);
        }
        check("up", types.up, shape.width);
        check("down", types.down, shape.ffn_width);
    }
    if (shape.ends) {
        need_whole_blocks(found, "embed", shape.embed_type, shape.width);
        need_whole_blocks(found, "lm_head", shape.lm_head_type, shape.width);
    }
}

} // namespace

std::vector<std::string> ModelShape::problems() const {
    std::vector<std::string> found;
    need(found, "layers", layers, kMostLayers);
    need(found, "heads", heads, kMostHeads);
    need(found, "kv_heads", kv_heads, kMostHeads);
    need(found, "width", width, kMostWidth);
    need(found, "ffn_width", ffn_width, kMostFfnWidth);
    need(found, "context", context, kLongestContext);
    need(found, "bytes per cached element", kv_bytes, kWidestElement);
    if (ends) {
        need(found, "vocabulary", vocabulary, kMostVocabulary);
    }
    check_heads(*this, found);
    check_types(*this, found);
    if (tied && !ends) {
        found.emplace_back("a tied lm_head without embed and lm_head");
    }
    if (tied && ends && embed_type != lm_head_type) {
        found.push_back(fmt::format(
            "lm_head is tied but has type {} while embed has {}",
            name_of(lm_head_type),
            name_of(embed_type)
        ));
    }
    return found;
}

} // namespace headroom::scheduler
