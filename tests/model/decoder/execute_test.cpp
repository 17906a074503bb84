// Single blocks, compared with results computed by hand.
#include <cmath>
#include <cstring>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/check.hpp"
#include "base/error.hpp"
#include "model/decoder/execute.hpp"
#include "model/decoder/weights.hpp"
#include "tests/model/support/gguf_writer.hpp"
#include "tests/model/support/tiny_model.hpp"

namespace headroom::model {
namespace {

using test::TinyShape;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::ThrowsMessage;

/// One layer with D = 4, two groups of one head (d = 2), F = 2 and V = 3; tests set the weights.
struct ByHand {
    ByHand()
        : model(test::tiny_hyperparameters(
              {.layers = 1, .heads = 2, .kv_heads = 2, .width = 4, .ffn_width = 2, .vocabulary = 3}
          )),
          context{&model, &kernels::kernels_for(kernels::Level::reference)} {
        model.rms_epsilon = 0;
    }

    /// Returns a block whose tensors have the given values, in storage order.
    Block block(BlockName name, const std::vector<float>& values) {
        Block result(model, name, 1 << 20, std::pmr::new_delete_resource());
        std::size_t at = 0;
        for (std::size_t i = 0; i < result.pieces(); ++i) {
            const auto bytes = result.allocate_piece(i);
            std::memcpy(bytes.data(), values.data() + at, bytes.size());
            at += bytes.size() / sizeof(float);
        }
        EXPECT_EQ(at, values.size());
        return result;
    }

    Hyperparameters model;
    ExecutionContext context;
};

TEST(RunEmbed, looks_rows_up_and_norms_them) {
    ByHand hand;
    const Block embed = hand.block(
        {BlockKind::embed}, {1, 1, 1, 1, 2, 2, 2, 2, 3, -3, 3, -3, /* norm */ 1, 2, 3, 4}
    );
    const std::vector<std::int32_t> ids{2, 1};
    std::vector<float> x(8);
    std::vector<float> normed(8);
    run_embed(hand.context, embed, ids, x.data(), normed.data());
    EXPECT_THAT(x, ElementsAre(3, -3, 3, -3, 2, 2, 2, 2));
    // All |x| of a row are equal, so x / rms(x) = ±1.
    EXPECT_THAT(normed, ElementsAre(1, -2, 3, -4, 1, 2, 3, 4));
}

TEST(RunProj, puts_groups_into_token_order_and_adds_the_residual) {
    ByHand hand;
    // o = diag(1, 10, 100, 1000); heads group-major: group 0 of both tokens, then group 1.
    const Block proj =
        hand.block({BlockKind::proj, 0}, {1, 0, 0, 0, 0, 10, 0, 0, 0, 0, 100, 0, 0, 0, 0, 1000});
    const std::vector<float> heads{1, 2, 5, 6, 3, 4, 7, 8};
    const std::vector<float> x{1, 1, 1, 1, 2, 2, 2, 2};
    std::vector<float> scratch(8);
    std::vector<float> residual(8);
    run_proj(
        hand.context,
        proj,
        {heads.data(), 2, 4},
        {x.data(), 4},
        2,
        scratch.data(),
        {residual.data(), 4}
    );
    EXPECT_THAT(residual, ElementsAre(2, 21, 301, 4001, 7, 62, 702, 8002));
    // One token: (g0 | g1) is token order already, and scratch is not touched.
    run_proj(
        hand.context, proj, {heads.data(), 2, 2}, {x.data(), 4}, 1, nullptr, {residual.data(), 4}
    );
    EXPECT_THAT(std::vector(residual.begin(), residual.begin() + 4), ElementsAre(2, 21, 501, 6001));
}

TEST(RunFfn, gates_and_adds_and_writes_no_normed_x_in_the_last_layer) {
    ByHand hand;
    // gate row 0 = sum of h = 4, row 1 = 0; up rows = first of h = 1; down column 0 = (1, 2, 0, 0).
    const Block ffn = hand.block(
        {BlockKind::ffn, 0},
        {1,
         1,
         1,
         1,
         0,
         0,
         0,
         0,
         /* up */ 1,
         0,
         0,
         0,
         1,
         0,
         0,
         0,
         /* down */ 1,
         5,
         2,
         5,
         0,
         5,
         0,
         5,
         /* norm */ 1,
         1,
         1,
         1}
    );
    const std::vector<float> residual{3, 3, 3, 3};
    std::vector<float> h(4);
    std::vector<float> gate(2);
    std::vector<float> up(2);
    std::vector<float> x(4);
    float untouched = 42;
    run_ffn(
        hand.context,
        ffn,
        {residual.data(), 4},
        1,
        {h.data(), gate.data(), up.data()},
        {x.data(), 4},
        {&untouched, 4}
    );
    const float silu = 4.0F / (1.0F + std::exp(-4.0F)); // silu(4) · 1; silu(0) · 1 = 0
    EXPECT_FLOAT_EQ(x[0], 3 + silu);
    EXPECT_FLOAT_EQ(x[1], 3 + 2 * silu);
    EXPECT_FLOAT_EQ(x[2], 3);
    EXPECT_EQ(untouched, 42);
}

TEST(RunGroup, appends_to_the_cache_and_attends_to_all_of_it) {
    ByHand hand;
    // q = 0: all scores are 0, every row has the same weight. k = (x0, x1), v = (x2, x3).
    const Block group =
        hand.block({BlockKind::group, 0, 0}, {0, 0, 0, 0, 0,         0, 0, 0, /* k */ 1, 0, 0, 0,
                                              0, 1, 0, 0, /* v */ 0, 0, 1, 0, 0,         0, 0, 1});
    GroupCache cache(2, WeightType::f32, std::pmr::new_delete_resource());
    cache.reserve(2);
    const auto key = [&](std::int64_t row) { return reinterpret_cast<float*>(cache.keys(row)); };
    std::vector<float> angles(2 * 2);
    fill_rope_angles(hand.model, 0, 2, angles.data());
    std::vector<float> projected(2 * 3 * 2);
    std::vector<float> scores(2);
    std::vector<float> out(4);
    const std::vector<float> normed{1, 0, 4, 8, 1, 0, 6, 0};
    const GroupScratch scratch{{angles.data(), 2}, {projected.data(), 6}, scores.data()};
    const SequenceRows rows{&cache, 0, 2};
    run_group(hand.context, group, {&rows, 1}, {normed.data(), 4}, scratch, {out.data(), 2});
    EXPECT_THAT(out, ElementsAre(4, 8, 5, 4)); // first row alone; then the mean of both
    EXPECT_EQ(key(0)[0], 1);                   // position 0 has a rotation of 0
    EXPECT_NEAR(key(1)[0], std::cos(1.0), 1e-6);
    EXPECT_NEAR(key(1)[1], std::sin(1.0), 1e-6);
    EXPECT_EQ(reinterpret_cast<float*>(cache.values(1))[0], 6);
    const SequenceRows beyond{&cache, 16, 1};
    EXPECT_THROW(
        run_group(hand.context, group, {&beyond, 1}, {normed.data(), 4}, scratch, {out.data(), 2}),
        Bug
    );
}

TEST(RunGroup, refuses_what_the_type_of_the_cache_cannot_hold) {
    ByHand hand;
    // k = (x0, x1), v = (x2, x3).
    const Block group =
        hand.block({BlockKind::group, 0, 0}, {0, 0, 0, 0, 0,         0, 0, 0, /* k */ 1, 0, 0, 0,
                                              0, 1, 0, 0, /* v */ 0, 0, 1, 0, 0,         0, 0, 1});
    const std::vector<float> normed{1, 0, 4, 8, 1, 0, 6, 70000};
    std::vector<float> angles(2 * 2);
    fill_rope_angles(hand.model, 0, 2, angles.data());
    std::vector<float> projected(2 * 3 * 2);
    std::vector<float> scores(2);
    std::vector<float> out(4);
    const GroupScratch scratch{{angles.data(), 2}, {projected.data(), 6}, scores.data()};
    const auto run = [&](WeightType type, std::int64_t n) {
        GroupCache cache(2, type, std::pmr::new_delete_resource());
        cache.reserve(2);
        const SequenceRows rows{&cache, 0, n};
        run_group(hand.context, group, {&rows, 1}, {normed.data(), 4}, scratch, {out.data(), 2});
    };
    EXPECT_NO_THROW(run(WeightType::f32, 2));
    EXPECT_NO_THROW(run(WeightType::bf16, 2));
    EXPECT_NO_THROW(run(WeightType::f16, 1));
    EXPECT_THAT(
        [&] { run(WeightType::f16, 2); },
        ThrowsMessage<InputError>(AllOf(
            HasSubstr(to_string(group.name())),
            HasSubstr("yields 70000 at element 1 of the value of row 1 of a turn, which KV "
                      "caches of type f16 cannot hold; set model.kv_type = \"f32\"")
        ))
    );
}

TEST(HeadSquares, are_added_in_the_order_of_the_groups) {
    constexpr double kLarge = 0x1p53; // a 1 that is added to it is lost
    const HeadSquares squares[] = {{kLarge, 1}, {}, {1, 1}, {}, {1, kLarge}, {}};
    const HeadSquares sums = add_in_order(squares, 2, 3);
    EXPECT_EQ(sums.queries, kLarge);
    EXPECT_EQ(sums.keys, kLarge + 2);
    const HeadSquares reversed[] = {squares[4], squares[2], squares[0]};
    EXPECT_EQ(add_in_order(reversed, 1, 3).queries, kLarge + 2) << "twin: another order is seen";
}

TEST(RunLmHead, uses_the_matrix_of_either_block) {
    ByHand hand;
    const std::vector<float> matrix{1, 0, 0, 0, 0, 1, 0, 0, 1, 1, 1, 1};
    std::vector<float> with_norm = matrix;
    with_norm.insert(with_norm.end(), {1, 1, 1, 2});
    const Block own = hand.block({BlockKind::lm_head}, with_norm);
    const Block embed = hand.block({BlockKind::embed}, with_norm);
    const std::vector<float> x{5, -5, 5, 5};
    std::vector<float> normed(4);
    std::vector<float> logits(3);
    run_lm_head(hand.context, own, own, {x.data(), 4}, 1, {normed.data(), 4}, logits.data());
    EXPECT_THAT(logits, ElementsAre(1, -1, 3));
    std::vector<float> tied(3);
    run_lm_head(hand.context, own, embed, {x.data(), 4}, 1, {normed.data(), 4}, tied.data());
    EXPECT_EQ(tied, logits);
}

TEST(RopeAngles, are_those_of_each_tokens_position_cosines_first) {
    const Hyperparameters model = test::tiny_hyperparameters({.context = 10});
    const std::int64_t d = model.head_width();
    std::vector<float> angles(static_cast<std::size_t>(3 * d));
    fill_rope_angles(model, 7, 3, angles.data());
    for (int t = 0; t < 3; ++t) {
        const float* const token = angles.data() + t * d;
        EXPECT_NEAR(token[0], std::cos(7.0 + t), 1e-6);
        EXPECT_NEAR(token[d / 2], std::sin(7.0 + t), 1e-6);
    }
}

} // namespace
} // namespace headroom::model
