// Sizes that size_problems accepts cause no overflow; sizes that would overflow are refused.
#include <limits>
#include <numeric>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/int128.hpp"
#include "base/model_shape.hpp"
#include "scheduler/core/size_limits.hpp"

namespace headroom::scheduler {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

/// A large shape with few layers, so that the tests are quick.
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
          &ModelShape::own_head_width}) {
        for (const std::int64_t value : {kHuge, kHuge / 2, kMaxModelVocabulary + 1}) {
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

/// The closed form of buffer_bytes in granularity `paper`, in 128 bits.
Int128 wide_buffers(const ModelShape& shape, const TurnSizes& sizes) {
    const Int128 rows = std::max(sizes.tokens, sizes.joined);
    const Int128 d = shape.head_width();
    const Int128 heads = shape.heads * d;
    const Int128 wide = std::max(heads, Int128{shape.width});
    const Int128 group = (shape.heads_per_group() + 2) * d;
    const Int128 products =
        shape.qk_norm == QkNorm::width
            ? Int128{sizes.tokens} * sizes.slots * shape.kv_heads * (group + 4) + 2 * rows
            : rows * group;
    const Int128 elements =
        Int128{sizes.tokens} * sizes.slots * (3 * Int128{shape.width} + heads + d) +
        rows * (wide + 2 * Int128{shape.ffn_width}) + products + shape.context +
        Int128{sizes.joined} * shape.vocabulary;
    return 4 * elements + staging_bytes(shape);
}

TEST(SizeProblems, are_none_only_where_the_closed_forms_hold) {
    std::int64_t counted = 0;
    std::int64_t refused = 0;
    for (const std::int64_t width : {64L, 8192L, 262'144L}) {
        for (const std::int64_t context : {16L, 1L << 20, 1L << 24}) {
            for (const std::int64_t slots : {1L, 1000L, 1'000'000L, 1'000'001L}) {
                ModelShape shape = shape_of(8, width, context);
                shape.qk_norm = slots == 1000 || slots == 1'000'001 ? QkNorm::width : QkNorm::none;
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
                const Int128 contexts = Int128{context} * (context + 1) / 2;
                const Int128 flops =
                    Int128{context} * 6 * (width / 8) * width + 4 * Int128{width / 8} * contexts;
                EXPECT_TRUE(blocks.flops(group, 0, context) == flops);
                const Int128 cache = 2 * Int128{context} * (width / 8) * 4;
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
