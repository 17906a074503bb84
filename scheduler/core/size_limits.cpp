// Bounds from above, in doubles: what is refused is off by orders of magnitude.
#include "scheduler/core/size_limits.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace headroom::scheduler {

namespace {

constexpr double kFloat = 4;
constexpr double kSum = 8;

double of(std::int64_t count) {
    return static_cast<double>(count);
}

double all_weights(const ModelShape& shape) {
    const double attention = 4 * of(shape.width) * of(shape.width);
    const double ffn = 3 * of(shape.width) * of(shape.ffn_width);
    const double ends = 2 * of(shape.vocabulary) * of(shape.width);
    return kFloat * (of(shape.layers) * (attention + ffn + 2 * of(shape.width)) + ends);
}

/// Of both cuts, all slots and turns.
double all_buffers(const ModelShape& shape, const TurnSizes& sizes) {
    const double per_slot = kSum * of(sizes.tokens) * 4 * of(shape.width);
    const double rows = of(std::max(sizes.tokens, sizes.joined));
    const double at_work = kSum * rows * (6 * of(shape.width) + 3 * of(shape.ffn_width));
    const double rest = of(shape.context) + of(sizes.joined) * of(shape.vocabulary) +
                        2 * of(shape.layers) * of(shape.width);
    return of(sizes.slots) * per_slot + at_work + kFloat * rest;
}

/// Every page of every slot's caches.
double all_caches(const ModelShape& shape, const TurnSizes& sizes, std::int64_t longest) {
    const double columns = of(shape.kv_heads) * of(shape.head_width());
    const double row = 2 * of(shape.layers) * columns * of(shape.kv_bytes);
    return of(sizes.slots) * (of(longest) + of(kPageTokens)) * row;
}

/// The largest operation of a turn, or of all that are joined.
double largest_operation(const ModelShape& shape, const TurnSizes& sizes, std::int64_t longest) {
    const double width = of(shape.width);
    const double turns = std::max(of(sizes.tokens), of(sizes.slots));
    const double matrices =
        8 * width * std::max({of(shape.ffn_width), width, of(shape.vocabulary)});
    return turns * (matrices + 4 * width * of(longest));
}

} // namespace

std::vector<std::string> size_problems(
    const ModelShape& shape, const TurnSizes& sizes, std::int64_t longest
) {
    std::vector<std::string> found;
    const auto check = [&](const char* what, double count, const char* unit) {
        if (!(count <= of(kMostCounted))) {
            found.push_back(fmt::format(
                "{} are {:.1e} {}, expected at most {:.1e}: {} sequences in flight of up to {} "
                "tokens, {} of them at once, in a model of width {} with {} layers",
                what,
                count,
                unit,
                of(kMostCounted),
                sizes.slots,
                longest,
                sizes.tokens,
                shape.width,
                shape.layers
            ));
        }
    };
    check("weights", all_weights(shape), "B");
    check("buffers", all_buffers(shape, sizes), "B");
    check("caches", all_caches(shape, sizes, longest), "B");
    check("the operations of a turn", largest_operation(shape, sizes, longest), "FLOP");
    return found;
}

} // namespace headroom::scheduler
