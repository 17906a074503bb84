#include "base/model_shape.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

#include <fmt/format.h>

namespace headroom {

namespace {

void check_range(
    std::vector<std::string>& found, std::string_view what, std::int64_t value, std::int64_t max
) {
    if (value < 1) {
        found.push_back(fmt::format("{} is {} but must be at least 1", what, value));
    } else if (value > max) {
        found.push_back(fmt::format("{} is {} but must be at most {}", what, value, max));
    }
}

/// Checks that the rows of a matrix have whole quantisation blocks.
void check_whole_blocks(
    std::vector<std::string>& found, std::string_view what, WeightType type, std::int64_t columns
) {
    if (columns > 0 && columns % format_of(type).elements != 0) {
        found.push_back(fmt::format(
            "{} is {} with rows of {} elements, not a multiple of {}",
            what,
            name_of(type),
            columns,
            format_of(type).elements
        ));
    }
}

void check_heads(const ModelShape& shape, std::vector<std::string>& found) {
    if (shape.heads < 1 || shape.kv_heads < 1) {
        return; // check_range has reported it
    }
    if (shape.heads % shape.kv_heads != 0) {
        found.push_back(fmt::format(
            "heads ({}) is not a multiple of kv_heads ({})", shape.heads, shape.kv_heads
        ));
    }
    if (shape.own_head_width < 0 || shape.own_head_width > kMaxModelWidth) {
        check_range(found, "head_width", shape.own_head_width, kMaxModelWidth);
    } else if (shape.own_head_width == 0 && shape.width % shape.heads != 0) {
        found.push_back(
            fmt::format("width ({}) is not a multiple of heads ({})", shape.width, shape.heads)
        );
    } else if (shape.heads <= kMaxModelHeads && shape.attention_width() > kMaxModelWidth) {
        found.push_back(fmt::format(
            "{} heads of width {} are more than {} columns",
            shape.heads,
            shape.head_width(),
            kMaxModelWidth
        ));
    }
}

void check_cache(const ModelShape& shape, std::vector<std::string>& found) {
    if (shape.heads > 0) {
        if (std::string problem = shape.cache_problem(); !problem.empty()) {
            found.push_back(std::move(problem));
        }
    }
    if (shape.window < 0 || shape.window_period < 0) {
        found.push_back(fmt::format(
            "window {} and window_period {} must not be negative", shape.window, shape.window_period
        ));
    }
}

void check_experts(const ModelShape& shape, std::vector<std::string>& found) {
    constexpr std::int64_t kMaxExperts = 4096;
    if (shape.experts < 0 || shape.experts > kMaxExperts || shape.experts_used < 0 ||
        shape.experts_used > shape.experts || (shape.experts > 0 && shape.experts_used == 0)) {
        found.push_back(fmt::format(
            "{} of {} experts are used, expected 1 to their number of at most {}",
            shape.experts_used,
            shape.experts,
            kMaxExperts
        ));
    }
}

void check_types(const ModelShape& shape, std::vector<std::string>& found) {
    if (shape.layer_types.size() != static_cast<std::size_t>(std::max(shape.layers, 0))) {
        found.push_back(
            fmt::format("{} layers but types for {}", shape.layers, shape.layer_types.size())
        );
    }
    const std::int64_t attention = shape.heads > 0 ? shape.attention_width() : 0;
    for (std::size_t layer = 0; layer < shape.layer_types.size(); ++layer) {
        const LayerTypes& types = shape.layer_types[layer];
        const auto check = [&](const ShapeField<LayerTypes, WeightType>& field) {
            const std::int64_t columns = field.member == &LayerTypes::down ? shape.ffn_width
                                         : field.member == &LayerTypes::o  ? attention
                                                                           : shape.width;
            if (shape.gated || field.member != &LayerTypes::gate) {
                const std::string what = fmt::format("layer {} {}", layer, field.name);
                check_whole_blocks(found, what, types.*field.member, columns);
            }
        };
        std::apply([&](const auto&... fields) { (check(fields), ...); }, kLayerTypeFields);
    }
    if (shape.has_ends) {
        check_whole_blocks(found, "embed", shape.embed_type, shape.width);
        check_whole_blocks(found, "lm_head", shape.lm_head_type, shape.width);
    }
}

} // namespace

std::string ModelShape::cache_problem() const {
    if (std::ranges::find(kCacheTypes, kv_type) == kCacheTypes.end()) {
        return fmt::format("kv_type {} is no type of KV caches", name_of(kv_type));
    }
    const std::int64_t elements = format_of(kv_type).elements;
    if (head_width() % elements == 0) {
        return "";
    }
    return fmt::format(
        "KV caches of type {} need heads whose width is a multiple of {}, not {}; choose kv_type "
        "f16, bf16 or f32",
        name_of(kv_type),
        elements,
        head_width()
    );
}

std::vector<std::string> ModelShape::problems() const {
    std::vector<std::string> found;
    for_each_size([&](const auto& field) {
        if (has_ends || std::string_view(field.name) != "vocabulary") {
            check_range(found, field.name, this->*field.member, field.max);
        }
    });
    check_heads(*this, found);
    check_cache(*this, found);
    check_experts(*this, found);
    check_types(*this, found);
    if (tied && !has_ends) {
        found.emplace_back("a tied lm_head without embed and lm_head");
    }
    if (tied && has_ends && embed_type != lm_head_type) {
        found.push_back(fmt::format(
            "lm_head is tied but has type {} while embed has {}",
            name_of(lm_head_type),
            name_of(embed_type)
        ));
    }
    return found;
}

} // namespace headroom
