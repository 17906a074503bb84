// Shapes, block order and physical costs against numbers worked out by hand
// (docs/explanation/blocks.md#physical-costs).
#include <array>
#include <limits>
#include <tuple>
#include <type_traits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/check.hpp"
#include "scheduler/core/size_limits.hpp"
#include "tests/scheduler/instances/fleets.hpp"

namespace headroom::scheduler {
namespace {

using ::testing::HasSubstr;

/// Two layers with D 64, 4 heads of width 16, 2 K/V heads (q = 2), F 96 and V 50. All types but
/// that of `o` are q8_0.
ModelShape grouped_shape() {
    ModelShape shape;
    shape.layers = 2;
    shape.heads = 4;
    shape.kv_heads = 2;
    shape.width = 64;
    shape.ffn_width = 96;
    shape.vocabulary = 50;
    shape.context = 128;
    shape.layer_types.assign(2, LayerTypes::all(WeightType::q8_0));
    shape.layer_types[1].o = WeightType::f32;
    shape.embed_type = WeightType::q8_0;
    shape.lm_head_type = WeightType::q8_0;
    shape.kv_type = WeightType::f16;
    return shape;
}

TEST(ModelShape, of_the_examples_is_usable) {
    EXPECT_THAT(testing::example_shape().problems(), ::testing::IsEmpty());
    EXPECT_THAT(grouped_shape().problems(), ::testing::IsEmpty());
    Random random(1);
    for (int i = 0; i < 50; ++i) {
        EXPECT_THAT(testing::random_shape(random).problems(), ::testing::IsEmpty());
    }
}

TEST(ModelShape, names_each_thing_that_is_wrong) {
    const auto problem_after = [](auto change) {
        ModelShape shape = grouped_shape();
        change(shape);
        const std::vector<std::string> found = shape.problems();
        return found.empty() ? std::string("none") : found.front();
    };
    EXPECT_THAT(problem_after([](ModelShape& s) { s.heads = 5; }), HasSubstr("kv_heads (2)"));
    EXPECT_THAT(problem_after([](ModelShape& s) { s.width = 66; }), HasSubstr("heads (4)"));
    EXPECT_THAT(problem_after([](ModelShape& s) { s.layers = 3; }), HasSubstr("types for 2"));
    EXPECT_THAT(problem_after([](ModelShape& s) { s.ffn_width = 90; }), HasSubstr("down is q8_0"));
    EXPECT_THAT(problem_after([](ModelShape& s) { s.vocabulary = 0; }), HasSubstr("vocabulary"));
    EXPECT_THAT(problem_after([](ModelShape& s) { s.context = -1; }), HasSubstr("context is -1"));
    EXPECT_THAT(
        problem_after([](ModelShape& s) {
            s.tied = true;
            s.lm_head_type = WeightType::f32;
        }),
        HasSubstr("tied but has type f32")
    );
    EXPECT_THAT(
        problem_after([](ModelShape& s) {
            s.tied = true;
            s.has_ends = false;
        }),
        HasSubstr("without embed")
    );
    EXPECT_EQ(problem_after([](ModelShape& s) { s.gated = false; }), "none");
}

TEST(ModelShape, reports_all_problems_at_once) {
    ModelShape shape;
    EXPECT_GE(shape.problems().size(), 6U);
    EXPECT_THROW(Blocks{shape}, Bug);
}

/// A trace or a file may claim any numbers. Those without problems() must have blocks.
TEST(ModelShape, without_problems_has_blocks_whatever_its_numbers_are) {
    constexpr std::array<std::int64_t, 20> kNumbers{
        -1,
        0,
        1,
        2,
        3,
        4,
        7,
        8,
        31,
        32,
        33,
        64,
        96,
        256,
        4096,
        4097,
        262'144,
        262'145,
        std::numeric_limits<std::int32_t>::max(),
        std::int64_t{1} << 40};
    Random random(53);
    int usable = 0;
    for (int i = 0; i < 20'000; ++i) {
        ModelShape shape = grouped_shape();
        for (std::uint64_t changes = 1 + random.below(4); changes > 0; --changes) {
            std::size_t field = random.below(std::tuple_size_v<decltype(kShapeFields)>);
            const auto change = [&]<class T>(const ShapeField<ModelShape, T>& of) {
                if (field-- == 0) {
                    const std::int64_t number = kNumbers[random.below(kNumbers.size())];
                    if constexpr (std::is_enum_v<T>) {
                        constexpr std::size_t kCodes =
                            std::is_same_v<T, WeightType> ? kWeightTypes.size() : 3;
                        shape.*of.member = static_cast<T>(random.below(kCodes));
                    } else {
                        shape.*of.member = static_cast<T>(number);
                    }
                }
            };
            std::apply([&](const auto&... fields) { (change(fields), ...); }, kShapeFields);
        }
        if (!shape.problems().empty() || shape.kv_heads > 4096) {
            continue;
        }
        ++usable;
        for (const Cut cut : {Cut{}, Cut{Granularity::sliced, 3, Reduce::ring}}) {
            if (!cut.problems(shape).empty() || !size_problems(shape, {5, 2, 2}, 100).empty()) {
                continue;
            }
            const Blocks blocks(shape, cut);
            EXPECT_GE(buffer_bytes(shape, {5, 2, 2}, cut), 0);
            for (std::size_t b = 0; b < blocks.size(); ++b) {
                EXPECT_GE(blocks.touched_bytes(BlockId(b), 10, 5), 0);
                EXPECT_GE(blocks.flops(BlockId(b), 10, 5), 0);
            }
        }
    }
    EXPECT_GT(usable, 1000);
}

TEST(Blocks, stand_in_canonical_order) {
    const Blocks blocks(grouped_shape());
    std::vector<std::string> names;
    for (std::size_t b = 0; b < blocks.size(); ++b) {
        names.push_back(to_string(blocks.name(BlockId(b))));
    }
    EXPECT_THAT(
        names,
        ::testing::ElementsAre(
            "embed",
            "L0.g0",
            "L0.g1",
            "L0.proj",
            "L0.ffn",
            "L1.g0",
            "L1.g1",
            "L1.proj",
            "L1.ffn",
            "lm_head"
        )
    );
    EXPECT_EQ(to_string(blocks.name(blocks.group(1, 1))), "L1.g1");
    EXPECT_EQ(to_string(blocks.name(blocks.proj(0))), "L0.proj");
    EXPECT_EQ(to_string(blocks.name(blocks.ffn(1))), "L1.ffn");
    EXPECT_EQ(to_string(blocks.name(blocks.lm_head())), "lm_head");
    EXPECT_THROW((void)blocks.proj(2), Bug);
}

TEST(Blocks, without_ends_have_no_embed_and_no_lm_head) {
    ModelShape shape = grouped_shape();
    shape.has_ends = false;
    const Blocks blocks(shape);
    EXPECT_EQ(blocks.size(), 8U);
    EXPECT_EQ(to_string(blocks.name(BlockId(0))), "L0.g0");
    EXPECT_THROW((void)blocks.embed(), Bug);
    EXPECT_THROW((void)blocks.lm_head(), Bug);
}

TEST(Blocks, have_the_bytes_of_the_table) {
    const Blocks blocks(grouped_shape());
    // A row of 64 in q8_0: 2·34 = 68 B; of 96: 3·34 = 102 B.
    EXPECT_EQ(blocks.matrix_bytes(blocks.embed()), 50 * 68);
    EXPECT_EQ(blocks.matrix_bytes(blocks.group(0, 0)), (2 + 2) * 16 * 68); // (q+2)·d rows
    EXPECT_EQ(blocks.matrix_bytes(blocks.proj(0)), 64 * 68);
    EXPECT_EQ(blocks.matrix_bytes(blocks.proj(1)), 64 * 64 * 4);
    EXPECT_EQ(blocks.matrix_bytes(blocks.ffn(0)), 2 * 96 * 68 + 64 * 102);
    EXPECT_EQ(blocks.norm_bytes(blocks.embed()), 256);
    EXPECT_EQ(blocks.norm_bytes(blocks.group(0, 0)), 0);
    EXPECT_EQ(blocks.norm_bytes(blocks.proj(0)), 0);
    EXPECT_EQ(blocks.norm_bytes(blocks.ffn(0)), 512); // ffn norm and next attention norm
    EXPECT_EQ(blocks.norm_bytes(blocks.ffn(1)), 256);
    EXPECT_EQ(blocks.norm_bytes(blocks.lm_head()), 256);
    // 17 tokens: two pages of 16 rows, key and value of 16 elements, 2 B each.
    EXPECT_EQ(blocks.cache_bytes(blocks.group(0, 0), 17), 2 * 32 * 16 * 2);
    EXPECT_EQ(blocks.cache_bytes(blocks.group(0, 0), 16), 2 * 16 * 16 * 2);
    EXPECT_EQ(blocks.cache_bytes(blocks.proj(0), 17), 0);
    EXPECT_EQ(blocks.cache_row_bytes(blocks.group(0, 0), 17), 2 * 17 * 16 * 2);
}

TEST(Blocks, of_a_plain_ffn_have_two_matrices) {
    ModelShape shape = testing::example_shape();
    shape.gated = false;
    const Blocks blocks(shape);
    EXPECT_EQ(blocks.matrix_bytes(blocks.ffn(0)), 2 * 64 * 128 * 4);
    EXPECT_EQ(blocks.flops(blocks.ffn(0), 0, 1), 4 * 64 * 128);
}

TEST(Blocks, without_norms_have_matrices_only) {
    ModelShape shape = grouped_shape();
    shape.norms = false;
    const Blocks blocks(shape);
    for (std::size_t b = 0; b < blocks.size(); ++b) {
        EXPECT_EQ(blocks.norm_bytes(BlockId(b)), 0);
    }
}

TEST(Blocks, tied_lm_head_has_a_matrix_only_away_from_embed) {
    ModelShape shape = grouped_shape();
    shape.tied = true;
    const Blocks blocks(shape);
    Placement placement(blocks.size(), DeviceId(0));
    EXPECT_EQ(blocks.weight_bytes(blocks.lm_head(), placement), 256);
    EXPECT_EQ(blocks.weight_bytes(blocks.embed(), placement), 50 * 68 + 256);
    placement.back() = DeviceId(1);
    EXPECT_EQ(blocks.weight_bytes(blocks.lm_head(), placement), 50 * 68 + 256);
    EXPECT_EQ(blocks.touched_bytes(blocks.lm_head(), 4, 1), 50 * 68) << "touched even if tied";
    EXPECT_EQ(
        blocks.resident_bytes(blocks.group(0, 1), 10, placement), 4 * 16 * 68 + 2 * 16 * 16 * 2
    );
}

TEST(Blocks, do_the_work_of_the_worked_example) {
    const Blocks blocks(testing::example_shape());
    // Context 10: 2·3·32·64 + 4·10·32 = 13 568.
    EXPECT_EQ(blocks.flops(blocks.group(0, 1), 9, 1), 13'568);
    EXPECT_EQ(blocks.flops(blocks.proj(0), 9, 1), 8'192);
    EXPECT_EQ(blocks.flops(blocks.ffn(0), 9, 1), 49'152);
    EXPECT_EQ(blocks.flops(blocks.lm_head(), 9, 1), 12'800);
    EXPECT_EQ(blocks.flops(blocks.embed(), 9, 1), 0);
    EXPECT_EQ(blocks.touched_bytes(blocks.group(0, 0), 9, 1), 24'576 + 2 * 10 * 32 * 4);
    EXPECT_EQ(blocks.touched_bytes(blocks.proj(0), 9, 1), 16'384);
    EXPECT_EQ(blocks.touched_bytes(blocks.ffn(0), 9, 1), 98'304) << "norms are not touched";
    EXPECT_EQ(blocks.touched_bytes(blocks.embed(), 9, 1), 0);
}

TEST(Blocks, share_keys_and_values_among_the_queries_of_a_group) {
    const Blocks blocks(grouped_shape());
    // 2·(q+2)·d·D + 4·q·T·d with q 2, d 16, D 64, T 5.
    EXPECT_EQ(blocks.flops(blocks.group(0, 0), 4, 1), 2 * 4 * 16 * 64 + 4 * 2 * 5 * 16);
}

TEST(Blocks, prefill_does_the_work_of_its_single_tokens) {
    Random random(3);
    for (int i = 0; i < 60; ++i) {
        const ModelShape shape = testing::random_shape(random);
        const Blocks blocks(
            shape, i % 2 == 0 ? Cut{} : testing::random_cut(random, shape, Reduce::hub)
        );
        const auto first = static_cast<std::int64_t>(random.below(40));
        const auto n = 1 + static_cast<std::int64_t>(random.below(30));
        for (std::size_t index = 0; index < blocks.size(); ++index) {
            const BlockId b(index);
            Flops sum = 0;
            for (std::int64_t token = 0; token < n; ++token) {
                sum += blocks.flops(b, first + token, 1);
            }
            if (blocks.name(b).kind == BlockKind::lm_head) {
                sum = blocks.flops(b, first + n - 1, 1); // the last token only
            }
            EXPECT_EQ(blocks.flops(b, first, n), sum) << to_string(blocks.name(b));
            if (blocks.window(b) == 0) {
                const Bytes last = blocks.touched_bytes(b, first + n - 1, 1);
                EXPECT_EQ(blocks.touched_bytes(b, first, n), last)
                    << "weights once, cache to the last context";
            }
        }
    }
}

constexpr Cut sliced(std::int32_t slices) {
    return {Granularity::sliced, slices};
}

TEST(SlicedBlocks, stand_in_canonical_order) {
    const Blocks blocks(grouped_shape(), sliced(3));
    std::vector<std::string> names;
    for (std::size_t b = 0; b < blocks.size(); ++b) {
        names.push_back(to_string(blocks.name(BlockId(b))));
    }
    EXPECT_THAT(
        names,
        ::testing::ElementsAre(
            "embed",
            "L0.g0",
            "L0.g1",
            "L0.s0",
            "L0.s1",
            "L0.s2",
            "L0.hub",
            "L1.g0",
            "L1.g1",
            "L1.s0",
            "L1.s1",
            "L1.s2",
            "L1.hub",
            "lm_head"
        )
    );
    EXPECT_EQ(to_string(blocks.name(blocks.slice(1, 2))), "L1.s2");
    EXPECT_EQ(to_string(blocks.name(blocks.hub(0))), "L0.hub");
    EXPECT_EQ(blocks.activation_block(1), blocks.hub(1));
    EXPECT_EQ(blocks.blocks_per_layer(), 6);
    EXPECT_THROW((void)blocks.proj(0), Bug);
    EXPECT_THROW((void)blocks.ffn(0), Bug);
    EXPECT_THROW((void)blocks.slice(0, 3), Bug);
    EXPECT_THROW((void)Blocks(grouped_shape()).hub(0), Bug);
}

TEST(SlicedBlocks, have_the_bytes_of_the_table) {
    const Blocks blocks(grouped_shape(), sliced(3)); // slices of 32 columns: whole q8_0 blocks
    // A row of 64 in q8_0: 68 B. A group: (q+2)·d rows, and 64 rows of q·d = 32 columns of proj.
    EXPECT_EQ(blocks.matrix_bytes(blocks.group(0, 1)), 4 * 16 * 68 + 64 * 34);
    EXPECT_EQ(blocks.matrix_bytes(blocks.group(1, 1)), 4 * 16 * 68 + 64 * 32 * 4) << "o is f32";
    EXPECT_EQ(blocks.matrix_bytes(blocks.slice(0, 2)), 2 * 32 * 68 + 64 * 34);
    EXPECT_EQ(blocks.matrix_bytes(blocks.hub(0)), 0);
    EXPECT_EQ(blocks.norm_bytes(blocks.hub(0)), 512); // its own and the next layer's
    EXPECT_EQ(blocks.norm_bytes(blocks.hub(1)), 256);
    EXPECT_EQ(blocks.norm_bytes(blocks.slice(0, 0)), 0);
    EXPECT_EQ(blocks.cache_bytes(blocks.group(0, 0), 17), 2 * 32 * 16 * 2);
    EXPECT_EQ(blocks.cache_bytes(blocks.slice(0, 0), 17), 0);
    EXPECT_EQ(blocks.cache_bytes(blocks.hub(0), 17), 0);
}

TEST(SlicedBlocks, do_the_work_of_the_table) {
    const Blocks blocks(grouped_shape(), sliced(3));
    // 2·(q+2)·d·D + 4·q·T·d + 2·q·d·D with q 2, d 16, D 64, T 5; 6·D·F/S.
    EXPECT_EQ(
        blocks.flops(blocks.group(0, 0), 4, 1), 2 * 4 * 16 * 64 + 4 * 2 * 5 * 16 + 2 * 2 * 16 * 64
    );
    EXPECT_EQ(blocks.flops(blocks.slice(0, 1), 4, 1), 6 * 64 * 32);
    EXPECT_EQ(blocks.flops(blocks.hub(0), 4, 1), 0);
    EXPECT_EQ(
        blocks.touched_bytes(blocks.group(0, 0), 4, 1), 4 * 16 * 68 + 64 * 34 + 2 * 5 * 16 * 2
    );
    EXPECT_EQ(blocks.touched_bytes(blocks.slice(0, 0), 4, 1), 2 * 32 * 68 + 64 * 34);
    EXPECT_EQ(blocks.touched_bytes(blocks.hub(0), 4, 1), 0);
    ModelShape plain = grouped_shape();
    plain.gated = false;
    const Blocks two(plain, sliced(3));
    EXPECT_EQ(two.matrix_bytes(two.slice(0, 0)), 32 * 68 + 64 * 34);
    EXPECT_EQ(two.flops(two.slice(0, 0), 4, 1), 4 * 64 * 32);
}

TEST(SlicedBlocks, of_two_neighbours_both_store_a_quantisation_block_at_their_edge) {
    // F 96 in two slices of 48: columns 0 … 47 are in blocks 0 and 1, 48 … 95 in 1 and 2.
    const Blocks halves(grouped_shape(), sliced(2));
    EXPECT_EQ(halves.matrix_bytes(halves.slice(0, 0)), 2 * 48 * 68 + 64 * 2 * 34);
    EXPECT_EQ(halves.matrix_bytes(halves.slice(0, 1)), 2 * 48 * 68 + 64 * 2 * 34);
    // In eight slices of 12, the third has columns 24 … 35 in blocks 0 and 1, the fourth has
    // columns 36 … 47 in block 1.
    const Blocks eighths(grouped_shape(), sliced(8));
    EXPECT_EQ(eighths.matrix_bytes(eighths.slice(0, 1)), 2 * 12 * 68 + 64 * 34);
    EXPECT_EQ(eighths.matrix_bytes(eighths.slice(0, 2)), 2 * 12 * 68 + 64 * 2 * 34);
    EXPECT_EQ(eighths.matrix_bytes(eighths.slice(0, 3)), 2 * 12 * 68 + 64 * 34);
    // All of them are charged for reading what the largest stores.
    for (std::int32_t s = 0; s < 8; ++s) {
        EXPECT_EQ(eighths.touched_bytes(eighths.slice(0, s), 4, 1), 2 * 12 * 68 + 64 * 2 * 34);
    }
    // Each group is one head of 16 columns, so two groups share each quantisation block of proj.
    ModelShape shape = grouped_shape();
    shape.kv_heads = 4;
    const Blocks heads(shape, sliced(1));
    for (std::int32_t g = 0; g < 4; ++g) {
        EXPECT_EQ(heads.matrix_bytes(heads.group(0, g)), 3 * 16 * 68 + 64 * 34);
        EXPECT_EQ(heads.matrix_bytes(heads.group(1, g)), 3 * 16 * 68 + 64 * 16 * 4);
    }
}

/// Returns the matrix bytes of all blocks of a layer.
Bytes layer_matrices(const Blocks& blocks, std::int32_t layer) {
    Bytes sum = 0;
    for (std::int32_t n = 0; n < blocks.blocks_per_layer(); ++n) {
        sum += blocks.matrix_bytes(BlockId(blocks.group(layer, 0).value + n));
    }
    return sum;
}

/// Returns the bytes of a row that are stored twice if it is cut into ranges of `width` columns.
Bytes stored_again(WeightType type, std::int64_t row, std::int64_t width) {
    const std::int64_t each = format_of(type).elements;
    Bytes again = 0;
    for (std::int64_t edge = width; edge < row; edge += width) {
        again += edge % each != 0 ? format_of(type).bytes : 0;
    }
    return again;
}

TEST(SlicedBlocks, together_have_the_bytes_of_a_layer_and_one_more_quantisation_block_per_edge) {
    Random random(29);
    int cut = 0;
    for (int i = 0; i < 300; ++i) {
        const ModelShape shape = testing::fine_shape(random);
        const Blocks whole(shape);
        const Blocks blocks(shape, testing::random_cut(random, shape, Reduce::hub));
        for (std::int32_t l = 0; l < shape.layers; ++l) {
            const LayerTypes& types = shape.layer_types[static_cast<std::size_t>(l)];
            const Bytes again_o =
                stored_again(types.o, shape.width, shape.heads_per_group() * shape.head_width());
            const Bytes again_down =
                stored_again(types.down, shape.ffn_width, shape.ffn_width / blocks.slices());
            EXPECT_EQ(
                layer_matrices(blocks, l),
                layer_matrices(whole, l) + shape.width * (again_o + again_down)
            );
            cut += again_o > 0 || again_down > 0 ? 1 : 0;
            Flops sliced_work = 0;
            Flops whole_work = 0;
            for (std::int32_t n = 0; n < blocks.blocks_per_layer(); ++n) {
                sliced_work += blocks.flops(BlockId(blocks.group(l, 0).value + n), 9, 2);
            }
            for (std::int32_t n = 0; n < whole.blocks_per_layer(); ++n) {
                whole_work += whole.flops(BlockId(whole.group(l, 0).value + n), 9, 2);
            }
            EXPECT_EQ(sliced_work, whole_work) << "no work is done twice";
        }
    }
    EXPECT_GT(cut, 100) << "else nothing was shown";
}

TEST(SlicedBlocks, of_one_layer_read_equal_bytes_and_never_less_than_they_store) {
    Random random(31);
    for (int i = 0; i < 200; ++i) {
        const ModelShape shape = testing::fine_shape(random);
        const Blocks blocks(shape, testing::random_cut(random, shape, Reduce::hub));
        for (std::int32_t l = 0; l < shape.layers; ++l) {
            Bytes largest = 0;
            for (std::int32_t s = 0; s < blocks.slices(); ++s) {
                largest = std::max(largest, blocks.matrix_bytes(blocks.slice(l, s)));
            }
            for (std::int32_t s = 0; s < blocks.slices(); ++s) {
                EXPECT_EQ(blocks.touched_bytes(blocks.slice(l, s), 3, 1), largest);
            }
            for (std::int32_t g = 1; g < blocks.groups(); ++g) {
                EXPECT_EQ(
                    blocks.touched_bytes(blocks.group(l, g), 3, 1),
                    blocks.touched_bytes(blocks.group(l, 0), 3, 1)
                );
            }
        }
    }
}

using Work = std::vector<WeightWork>;

Work weights_of(const Blocks& blocks, BlockId b) {
    return {blocks.weights(b).begin(), blocks.weights(b).end()};
}

TEST(Weights, are_listed_by_increasing_type_and_added_up) {
    ModelShape shape = grouped_shape();
    shape.layer_types[0] = {
        .q = WeightType::q4_0,
        .k = WeightType::f32,
        .v = WeightType::q4_0,
        .o = WeightType::q8_0,
        .gate = WeightType::f16,
        .up = WeightType::q8_0,
        .down = WeightType::f16};
    const Blocks blocks(shape);
    // A group: 32 rows of q, 16 of k and 16 of v, 64 columns each. A row in q4_0 has 36 B.
    EXPECT_EQ(
        weights_of(blocks, blocks.group(0, 1)),
        (Work{{WeightType::f32, 2 * 16 * 64, 16 * 256}, {WeightType::q4_0, 2 * 48 * 64, 48 * 36}})
    );
    EXPECT_EQ(weights_of(blocks, blocks.proj(0)), (Work{{WeightType::q8_0, 2 * 64 * 64, 64 * 68}}));
    EXPECT_EQ(
        weights_of(blocks, blocks.ffn(0)),
        (Work{
            {WeightType::q8_0, 2 * 96 * 64, 96 * 68},
            {WeightType::f16, 2 * 2 * 96 * 64, 96 * 128 + 64 * 192}})
    );
    EXPECT_EQ(
        weights_of(blocks, blocks.lm_head()), (Work{{WeightType::q8_0, 2 * 50 * 64, 50 * 68}})
    );
    EXPECT_EQ(weights_of(blocks, blocks.embed()), Work{});
    // In three slices, a group also has 32 columns of proj: one quantisation block per row.
    const Blocks cut(shape, sliced(3));
    EXPECT_EQ(
        weights_of(cut, cut.group(0, 0)),
        (Work{
            {WeightType::f32, 2 * 16 * 64, 16 * 256},
            {WeightType::q8_0, 2 * 32 * 64, 64 * 34},
            {WeightType::q4_0, 2 * 48 * 64, 48 * 36}})
    );
    EXPECT_EQ(
        weights_of(cut, cut.slice(0, 2)),
        (Work{
            {WeightType::q8_0, 2 * 32 * 64, 32 * 68},
            {WeightType::f16, 2 * 2 * 32 * 64, 32 * 128 + 64 * 64}})
    );
    EXPECT_EQ(weights_of(cut, cut.hub(0)), Work{});
}

TEST(Parts, of_a_group_are_its_products_and_the_rest) {
    ModelShape shape = grouped_shape(); // D 64, q 2, d 16, two groups
    shape.layer_types[0] = LayerTypes::all(WeightType::q8_0);
    shape.qk_norm = QkNorm::width;
    const Blocks blocks(shape);
    const BlockId b = blocks.group(0, 1);
    EXPECT_EQ(blocks.parts_of(b).size(), 2U);
    EXPECT_EQ(blocks.parts_of(blocks.proj(0)).size(), 1U);
    EXPECT_EQ(blocks.flops(b, 9, 3, BlockPart::products), 3 * 2 * 4 * 16 * 64);
    EXPECT_EQ(blocks.flops(b, 9, 3, BlockPart::rest), 4 * 2 * 16 * (10 + 11 + 12));
    EXPECT_EQ(blocks.touched_bytes(b, 9, 3, BlockPart::products), 4 * 16 * 68);
    EXPECT_EQ(blocks.touched_bytes(b, 9, 3, BlockPart::rest), blocks.cache_row_bytes(b, 12));
    EXPECT_TRUE(blocks.weights(b, BlockPart::rest).empty());
    const Blocks cut(shape, sliced(3)); // the rest also has 32 columns of o
    EXPECT_EQ(cut.flops(b, 9, 3, BlockPart::rest), 4 * 2 * 16 * (10 + 11 + 12) + 3 * 2 * 32 * 64);
    EXPECT_EQ(cut.touched_bytes(b, 9, 3, BlockPart::rest), cut.cache_row_bytes(b, 12) + 64 * 34);
    shape.qk_norm = QkNorm::head;
    EXPECT_EQ(Blocks(shape).parts_of(b).size(), 1U);
}

TEST(Parts, add_up_to_the_whole) {
    Random random(41);
    int parted = 0;
    for (int i = 0; i < 150; ++i) {
        const ModelShape shape = testing::fine_shape(random);
        const Blocks blocks(
            shape, i % 3 == 0 ? Cut{} : testing::random_cut(random, shape, Reduce::hub)
        );
        for (std::int32_t g = 0; g < blocks.groups(); ++g) {
            const BlockId b = blocks.group(0, g);
            OperationCost whole;
            whole.add(blocks, b, 4, 3);
            whole.add(blocks, b, 9, 1);
            Flops flops = 0;
            Bytes touched = 0;
            WeightWork work{shape.layer_types[0].o};
            for (const BlockPart part : blocks.parts_of(b)) {
                OperationCost cost;
                cost.add(blocks, b, 4, 3, part);
                cost.add(blocks, b, 9, 1, part);
                flops += cost.flops;
                touched += cost.touched;
                work.flops += cost.of(work.type).flops;
                work.touched += cost.of(work.type).touched;
                parted += part == BlockPart::rest ? 1 : 0;
            }
            EXPECT_EQ(flops, whole.flops);
            EXPECT_EQ(touched, whole.touched);
            EXPECT_EQ(work, whole.of(work.type));
        }
    }
    EXPECT_GT(parted, 50);
}

/// The rest of the FLOP is attention, 4·q·d for each token of each context; the rest of the bytes
/// is the cache.
TEST(Weights, are_all_of_the_work_but_attention_and_cache) {
    Random random(37);
    int mixed = 0;
    for (int i = 0; i < 150; ++i) {
        const ModelShape shape = testing::fine_shape(random);
        const Blocks blocks(
            shape, i % 3 == 0 ? Cut{} : testing::random_cut(random, shape, Reduce::hub)
        );
        const auto first = static_cast<std::int64_t>(random.below(40));
        const auto n = 1 + static_cast<std::int64_t>(random.below(5));
        for (std::size_t index = 0; index < blocks.size(); ++index) {
            const BlockId b(index);
            const BlockKind kind = blocks.name(b).kind;
            Flops flops = 0;
            Bytes touched = 0;
            for (const WeightWork& work : blocks.weights(b)) {
                flops += work.flops * (kind == BlockKind::lm_head ? 1 : n);
                touched += work.touched + work.expert * shape.experts_touched(n);
            }
            mixed += blocks.weights(b).size() > 1 ? 1 : 0;
            if (kind == BlockKind::group) {
                const std::int64_t window = blocks.window(b) > 0 ? blocks.window(b) : first + n;
                std::int64_t contexts = 0;
                for (std::int64_t p = first; p < first + n; ++p) {
                    contexts += std::min(p + 1, window);
                }
                flops += 4 * shape.heads_per_group() * shape.head_width() * contexts;
                touched += blocks.cache_touched_bytes(b, first, n);
            }
            EXPECT_EQ(blocks.flops(b, first, n), flops) << to_string(blocks.name(b));
            EXPECT_EQ(blocks.touched_bytes(b, first, n), touched) << to_string(blocks.name(b));
        }
    }
    EXPECT_GT(mixed, 100);
}

TEST(OperationCost, of_a_batch_has_the_weights_once_and_a_vector_per_token) {
    const Blocks blocks(grouped_shape());
    const BlockId b = blocks.group(1, 0);
    OperationCost cost;
    cost.add(blocks, b, 4, 3);
    cost.add(blocks, b, 9, 1);
    EXPECT_EQ(cost.tokens, 4);
    EXPECT_EQ(cost.flops, blocks.flops(b, 4, 3) + blocks.flops(b, 9, 1));
    EXPECT_EQ(cost.touched, blocks.touched_bytes(b, 4, 3) + blocks.cache_row_bytes(b, 10));
    EXPECT_EQ(cost.of(WeightType::q8_0), (WeightWork{WeightType::q8_0, 2 * 64 * 64, 64 * 68}));
    EXPECT_EQ(cost.of(WeightType::f16), WeightWork{WeightType::f16});
    OperationCost rest = cost;
    rest.leave_out(WeightType::f16);
    EXPECT_EQ(rest.flops, cost.flops);
    rest.leave_out(WeightType::q8_0);
    // Attention at contexts 5, 6, 7 and 10, and the rows of both caches.
    EXPECT_EQ(rest.flops, 4 * 2 * 16 * (5 + 6 + 7 + 10));
    EXPECT_EQ(rest.touched, blocks.cache_row_bytes(b, 7) + blocks.cache_row_bytes(b, 10));
    OperationCost head;
    head.add(blocks, blocks.lm_head(), 0, 5);
    EXPECT_EQ(head.tokens, 1) << "for the last token only";
}

/// grouped_shape with 8 experts of width 96, of which a token uses 2. An expert has three matrices
/// of 96·64 numbers in q8_0; the router has 8 rows of 64 F32 numbers.
ModelShape mixture_shape() {
    ModelShape shape = grouped_shape();
    shape.experts = 8;
    shape.experts_used = 2;
    return shape;
}
constexpr Bytes kExpert = 3 * 96 * 64 / 32 * 34;
constexpr Bytes kRouter = 8 * 64 * 4;

TEST(Experts, are_all_resident_and_read_as_far_as_tokens_use_them) {
    const Blocks blocks(mixture_shape());
    const BlockId ffn = blocks.ffn(0);
    EXPECT_EQ(blocks.matrix_bytes(ffn), 8 * kExpert + kRouter);
    EXPECT_EQ(blocks.touched_bytes(ffn, 7, 1), 2 * kExpert + kRouter);
    EXPECT_EQ(blocks.touched_bytes(ffn, 0, 3), 6 * kExpert + kRouter);
    EXPECT_EQ(blocks.touched_bytes(ffn, 0, 4), 8 * kExpert + kRouter);
    EXPECT_EQ(blocks.touched_bytes(ffn, 0, 100), 8 * kExpert + kRouter);
    EXPECT_EQ(blocks.flops(ffn, 0, 5), 5 * (2 * 6 * 96 * 64 + 2 * 8 * 64));
    EXPECT_EQ(
        weights_of(blocks, ffn),
        (Work{
            {WeightType::f32, 2 * 8 * 64, kRouter}, {WeightType::q8_0, 2 * 6 * 96 * 64, 0, kExpert}}
        )
    );
    // The twin: without experts an ffn is one such network.
    const Blocks dense(grouped_shape());
    EXPECT_EQ(dense.matrix_bytes(ffn), kExpert);
    EXPECT_EQ(dense.touched_bytes(ffn, 0, 100), kExpert);
    EXPECT_EQ(blocks.matrix_bytes(blocks.proj(0)), dense.matrix_bytes(dense.proj(0)));
}

TEST(Experts, of_a_batch_are_those_of_all_its_tokens) {
    const Blocks blocks(mixture_shape());
    const BlockId ffn = blocks.ffn(1);
    OperationCost cost;
    cost.add(blocks, ffn, 4, 1);
    EXPECT_EQ(cost.touched, 2 * kExpert + kRouter);
    cost.add(blocks, ffn, 9, 1);
    EXPECT_EQ(cost.touched, 4 * kExpert + kRouter);
    EXPECT_EQ(
        cost.of(WeightType::q8_0), (WeightWork{WeightType::q8_0, 2 * 6 * 96 * 64, 4 * kExpert})
    );
    cost.add(blocks, ffn, 0, 7);
    EXPECT_EQ(cost.touched, 8 * kExpert + kRouter);
    EXPECT_EQ(cost.flops, blocks.flops(ffn, 0, 9));
    cost.leave_out(WeightType::q8_0);
    EXPECT_EQ(cost.touched, kRouter);
    EXPECT_EQ(cost.flops, 9 * 2 * 8 * 64);
}

TEST(Experts, cannot_be_cut_into_slices) {
    EXPECT_THAT(
        sliced(3).problems(mixture_shape()),
        ::testing::ElementsAre(HasSubstr("a mixture of 8 experts cannot be cut"))
    );
    EXPECT_THROW((Blocks{mixture_shape(), sliced(3)}), Bug);
}

TEST(Experts, have_a_buffer_for_their_scores) {
    EXPECT_EQ(buffer_bytes(mixture_shape(), {3}), buffer_bytes(grouped_shape(), {3}) + 4 * 3 * 8);
}

/// As in Qwen3 4B, D is 2560 and 32 heads are 128 wide: o has 4096 columns.
TEST(HeadWidths, count_in_every_matrix_of_attention) {
    ModelShape shape = grouped_shape();
    shape.heads = 32;
    shape.kv_heads = 8;
    shape.width = 2560;
    shape.own_head_width = 128;
    shape.ffn_width = 9728;
    shape.qk_norm = QkNorm::head;
    shape.layer_types.assign(2, LayerTypes::all(WeightType::f16));
    ASSERT_THAT(shape.problems(), ::testing::IsEmpty());
    EXPECT_EQ(shape.attention_width(), 4096);
    const Blocks blocks(shape);
    EXPECT_EQ(blocks.matrix_bytes(blocks.group(0, 0)), 2 * (4 + 2) * 128 * 2560);
    EXPECT_EQ(blocks.norm_bytes(blocks.group(0, 0)), 4 * 2 * 128);
    EXPECT_EQ(blocks.matrix_bytes(blocks.proj(0)), 2 * 2560 * 4096);
    EXPECT_EQ(blocks.flops(blocks.proj(0), 0, 1), 2 * 2560 * 4096);
    EXPECT_EQ(blocks.cache_row_bytes(blocks.group(0, 0), 1), 2 * 2 * 128);
    shape.own_head_width = 0; // the twin: heads of 80, so o is as wide as the model
    const Blocks narrow(shape);
    EXPECT_EQ(narrow.matrix_bytes(narrow.proj(0)), 2 * 2560 * 2560);
    EXPECT_EQ(narrow.norm_bytes(narrow.group(0, 0)), 4 * 2 * 80);
}

TEST(Buffers, of_sliced_layers_follow_their_closed_form) {
    // 4·(n·(8·D + 2·F/s) + (2·q+3)·d·n + T + V) + S with n 3, D 64, F 96, q 2, d 16, T 128, V 50.
    const Bytes hub = 4 * (3 * (512 + 2 * 32) + 7 * 16 * 3 + 178) + 65'536;
    EXPECT_EQ(buffer_bytes(grouped_shape(), {3}, sliced(3)), hub);
    EXPECT_EQ(
        buffer_bytes(grouped_shape(), {3}, {Granularity::sliced, 3, Reduce::ring}),
        hub + 4 * 64 * 2 * 2
    ) << "two norms of each of two layers";
}

TEST(Buffers, follow_their_closed_form) {
    // 4·(n·(5·D + 2·F) + (q+3)·d·n + T + V) + S with n 3, D 64, F 96, q 2, d 16, T 128, V 50.
    EXPECT_EQ(
        buffer_bytes(grouped_shape(), {3}), 4 * (3 * (320 + 192) + 5 * 16 * 3 + 178) + 65'536
    );
    EXPECT_EQ(staging_bytes(grouped_shape()), 65'536);
    // Five slots, eight joined turns: 4·(n·m·(4·D + d) + r·(D + 2·F + (q+2)·d) + T + j·V) + S.
    const TurnSizes several{3, 5, 8};
    EXPECT_EQ(
        buffer_bytes(grouped_shape(), several),
        4 * (3 * 5 * (256 + 16) + 8 * (64 + 192 + 4 * 16) + 128 + 8 * 50) + 65'536
    );
    // Sliced in 3, c = F/3 and h = q·d: 4·(n·(m·(6·D + d) + 2·D) + r·(F/3 + c + h + (q+2)·d) + …).
    EXPECT_EQ(
        buffer_bytes(grouped_shape(), several, sliced(3)),
        4 * (3 * (5 * (384 + 16) + 128) + 8 * (32 + 32 + 32 + 64) + 128 + 8 * 50) + 65'536
    );
}

TEST(Buffers, of_groups_in_parts_keep_the_products_of_all_slots) {
    ModelShape shape = grouped_shape(); // q 2, d 16, two groups: 64 products of a group and token
    const TurnSizes several{3, 5, 8};
    for (const Cut& cut : {Cut{}, sliced(3)}) {
        shape.qk_norm = QkNorm::none;
        const Bytes whole = buffer_bytes(shape, several, cut);
        shape.qk_norm = QkNorm::width;
        const Bytes kept = 3 * 5 * 2 * (4 * 64 + 16) + 8 * 8;
        EXPECT_EQ(buffer_bytes(shape, several, cut), whole - 4 * 8 * 64 + kept);
    }
}

TEST(Buffers, stage_the_longest_row) {
    ModelShape shape = testing::example_shape();
    shape.ffn_width = 20'000;
    EXPECT_EQ(staging_bytes(shape), 80'000); // a row of the down matrix
    shape.layer_types[0].down = WeightType::q8_0;
    EXPECT_EQ(staging_bytes(shape), 65'536);
}

} // namespace
} // namespace headroom::scheduler
