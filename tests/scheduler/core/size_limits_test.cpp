// What is let through can be counted; what cannot be counted is not let through.
#include <limits>
#include <numeric>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/limits.hpp"
#include "base/wide.hpp"
#include "scheduler/core/size_limits.hpp"

namespace headroom::scheduler {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

/// In all but the number of layers, so that a test takes no time.
ModelShape shape_of(std::int32_t heads, std::int64_t width, std::int64_t context) {
    ModelShape shape;
    shape.layers = 2;
    shape.heads = shape.kv_heads = heads;
    shape.width = width;
    shape.ffn_width = 4 * width;
    shape.vocabulary = 128'000;
    shape.context = context;
    shape.layer_types.assign(2, LayerTypes::all(WeightType::f32));
    return shape;
}

TEST(ModelShape, is_not_larger_than_can_be_counted) {
    constexpr std::int64_t kHuge = std::numeric_limits<std::int64_t>::max();
    const ModelShape good = shape_of(8, 512, 4096);
    EXPECT_THAT(good.problems(), IsEmpty());
    for (std::int64_t ModelShape::*const member :
         {&ModelShape::width,
          &ModelShape::ffn_width,
          &ModelShape::vocabulary,
          &ModelShape::context,
          &ModelShape::kv_bytes}) {
        for (const std::int64_t value : {kHuge, kHuge / 2, kMostVocabulary + 1}) {
            ModelShape bad = good;
            bad.*member = value;
            EXPECT_THAT(bad.problems(), Contains(HasSubstr("must be at most")));
        }
    }
    for (std::int32_t ModelShape::*const member :
         {&ModelShape::layers, &ModelShape::heads, &ModelShape::kv_heads}) {
        ModelShape bad = good;
        bad.*member = std::numeric_limits<std::int32_t>::max();
        EXPECT_THAT(bad.problems(), Contains(HasSubstr("must be at most")));
    }
}

/// The closed form of the buffers of a paper cut, where it cannot overflow.
Wide wide_buffers(const ModelShape& shape, const TurnSizes& sizes) {
    const Wide rows = std::max(sizes.tokens, sizes.joined);
    const Wide d = shape.head_width();
    const Wide elements =
        Wide{sizes.tokens} * sizes.slots * (4 * Wide{shape.width} + d) +
        rows * (Wide{shape.width} + 2 * Wide{shape.ffn_width} + (shape.heads_per_group() + 2) * d) +
        shape.context + Wide{sizes.joined} * shape.vocabulary;
    return 4 * elements + staging_bytes(shape);
}

TEST(SizeProblems, are_none_only_where_the_closed_forms_hold) {
    std::int64_t counted = 0;
    std::int64_t refused = 0;
    for (const std::int64_t width : {64L, 8192L, 262'144L}) {
        for (const std::int64_t context : {16L, 1L << 20, 1L << 24}) {
            for (const std::int64_t slots : {1L, 1000L, 1'000'000L}) {
                const ModelShape shape = shape_of(8, width, context);
                ASSERT_THAT(shape.problems(), IsEmpty());
                const TurnSizes sizes{context, slots, std::min<std::int64_t>(slots, 16)};
                if (!size_problems(shape, sizes, context).empty()) {
                    ++refused;
                    continue;
                }
                ++counted;
                EXPECT_TRUE(buffer_bytes(shape, sizes) == wide_buffers(shape, sizes));
                const Blocks blocks(shape);
                const BlockId group = blocks.group(0, 0);
                const Wide contexts = Wide{context} * (context + 1) / 2;
                const Wide flops =
                    Wide{context} * 6 * (width / 8) * width + 4 * Wide{width / 8} * contexts;
                EXPECT_TRUE(blocks.flops(group, 0, context) == flops);
                const Wide cache = 2 * Wide{context} * (width / 8) * 4;
                EXPECT_TRUE(slots * blocks.cache_bytes(group, context) == slots * cache);
            }
        }
    }
    EXPECT_GT(counted, 10);
    EXPECT_GT(refused, 3);
}

TEST(SizeProblems, say_what_cannot_be_counted) {
    const ModelShape shape = shape_of(8, 262'144, 1 << 24);
    const TurnSizes sizes{1 << 24, 1'000'000, 16};
    const std::vector<std::string> problems = size_problems(shape, sizes, 1 << 24);
    EXPECT_THAT(problems, Contains(HasSubstr("buffers are")));
    EXPECT_THAT(problems, Contains(HasSubstr("1000000 sequences in flight")));
    EXPECT_THAT(problems, Not(Contains(HasSubstr("weights are"))));
    EXPECT_THAT(size_problems(shape_of(8, 512, 4096), {128, 8, 8}, 4096), IsEmpty());
}

} // namespace
} // namespace headroom::scheduler
