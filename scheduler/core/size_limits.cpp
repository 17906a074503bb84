// All totals are upper bounds, computed in doubles: the limit need not be exact.
#include "scheduler/core/size_limits.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace headroom::scheduler {

namespace {

constexpr double kFloat = 4; // bytes
constexpr double kSum = 8;   // bytes of a number of a partial sum

double real(std::int64_t count) {
    return static_cast<double>(count);
}

double all_weights(const ModelShape& shape) {
    const double heads = real(shape.attention_width());
    const double attention = 4 * real(shape.width) * heads;
    const double experts = std::max(1.0, real(shape.experts));
    const double ffn = experts * real(shape.width) * (3 * real(shape.ffn_width) + 1);
    const double vectors = 4 * real(shape.width) + 6 * heads; // norms and biases
    const double ends = 2 * real(shape.vocabulary) * real(shape.width);
    return kFloat * (real(shape.layers) * (attention + ffn + vectors) + ends);
}

/// Returns the bytes of all buffers, in either granularity.
double all_buffers(const ModelShape& shape, const TurnSizes& sizes) {
    const double wide = std::max(real(shape.width), real(shape.attention_width()));
    const double products = // of all groups, which are kept between the parts of groups
        shape.qk_norm == QkNorm::width
            ? real(shape.heads + 2 * shape.kv_heads) * real(shape.head_width()) +
                  4 * real(shape.kv_heads)
            : 0;
    const double rows = real(std::max(sizes.tokens, sizes.joined));
    const double at_work =
        kSum * rows * (6 * wide + 3 * real(shape.ffn_width) + real(shape.experts));
    const double rest = real(shape.context) + real(sizes.joined) * real(shape.vocabulary) +
                        2 * real(shape.layers) * real(shape.width);
    const double per_slot = kSum * real(sizes.tokens) * (4 * wide + products);
    return real(sizes.slots) * per_slot + at_work + kFloat * rest;
}

/// Returns the bytes of the KV caches of all slots.
double all_caches(const ModelShape& shape, const TurnSizes& sizes, std::int64_t max_tokens) {
    const double columns = real(shape.kv_heads) * real(shape.head_width());
    const double row = 2 * real(shape.layers) * columns * kFloat;
    return real(sizes.slots) * (real(max_tokens) + real(kPageTokens)) * row;
}

/// Returns the FLOP of the largest operation of a turn, or of a batch of joined turns.
double largest_operation(const ModelShape& shape, const TurnSizes& sizes, std::int64_t max_tokens) {
    const double width = std::max(real(shape.width), real(shape.attention_width()));
    const double turns = std::max(real(sizes.tokens), real(sizes.slots));
    const double ffn = std::max(1.0, real(shape.experts_used)) * real(shape.ffn_width);
    const double matrices = 8 * width * std::max({ffn, width, real(shape.vocabulary)}) +
                            2 * width * real(shape.experts);
    return turns * (matrices + 4 * width * real(max_tokens));
}

} // namespace

std::vector<std::string> size_problems(
    const ModelShape& shape, const TurnSizes& sizes, std::int64_t max_tokens
) {
    std::vector<std::string> found;
    const auto check = [&](const char* what, double count, const char* unit) {
        if (!(count <= real(kMaxCounted))) {
            found.push_back(fmt::format(
                "{} are {:.1e} {}, expected at most {:.1e}: {} sequences in flight of up to {} "
                "tokens, {} of them at once, in a model of width {} with {} layers",
                what,
                count,
                unit,
                real(kMaxCounted),
                sizes.slots,
                max_tokens,
                sizes.tokens,
                shape.width,
                shape.layers
            ));
        }
    };
    check("weights", all_weights(shape), "B");
    check("buffers", all_buffers(shape, sizes), "B");
    check("caches", all_caches(shape, sizes, max_tokens), "B");
    check("the operations of a turn", largest_operation(shape, sizes, max_tokens), "FLOP");
    return found;
}

} // namespace headroom::scheduler
