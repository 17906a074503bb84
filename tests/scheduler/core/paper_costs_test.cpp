// The published formulas, compared with the numbers in
// docs/explanation/head-level-partitioning.md#block-costs-of-profile-paper and with a layer that is
// computed by hand.
#include <cmath>

#include <gtest/gtest.h>

#include "scheduler/core/paper_costs.hpp"
#include "scheduler/core/problem.hpp"
#include "scheduler/core/validate.hpp"
#include "scheduler/timing/evaluate.hpp"
#include "tests/scheduler/instances/fleets.hpp"

namespace headroom::scheduler {
namespace {

constexpr DeviceId kFirstDevice{0};
constexpr DeviceId kSecondDevice{1};

ModelShape shape_of(std::int32_t heads, std::int32_t kv_heads, std::int64_t width) {
    ModelShape shape = testing::example_shape();
    shape.heads = heads;
    shape.kv_heads = kv_heads;
    shape.width = width;
    return shape;
}

struct Vector {
    std::int64_t generated;
    Bytes head, cache, proj, ffn;
    Flops head_compute, proj_compute, ffn_compute;
};

TEST(PaperCosts, have_the_published_numbers) {
    const Blocks blocks(shape_of(32, 32, 2048));
    const BlockId head = blocks.group(0, 3);
    // proj and ffn memory at n = 100 are L·D·b and 4·L·D·b with L = 164.
    for (const Vector& v : {
             Vector{0, 1'622'016, 0, 524'288, 2'097'152, 25'427'968, 268'435'456, 2'147'483'648},
             Vector{
                 100,
                 1'698'816,
                 819'200,
                 164 * 2048 * 4,
                 4 * 164 * 2048 * 4,
                 66'208'768,
                 687'865'856,
                 5'502'926'848},
             Vector{
                 1000,
                 2'390'016,
                 8'192'000,
                 8'716'288,
                 34'865'152,
                 490'835'968,
                 4'462'739'456,
                 35'701'915'648},
         }) {
        const PaperLength length{64, v.generated};
        EXPECT_EQ(paper_memory(blocks, head, length), v.head + v.cache);
        EXPECT_EQ(paper_cache(blocks, head, length), v.cache);
        EXPECT_EQ(paper_memory(blocks, blocks.proj(0), length), v.proj);
        EXPECT_EQ(paper_memory(blocks, blocks.ffn(0), length), v.ffn);
        EXPECT_EQ(paper_compute(blocks, head, length), v.head_compute);
        EXPECT_EQ(paper_compute(blocks, blocks.proj(0), length), v.proj_compute);
        EXPECT_EQ(paper_compute(blocks, blocks.ffn(0), length), v.ffn_compute);
        EXPECT_EQ(paper_output(blocks, head, length), (64 + v.generated) * 64 * 4);
        EXPECT_EQ(paper_output(blocks, blocks.proj(0), length), (64 + v.generated) * 2048 * 4);
    }
}

TEST(PaperCosts, leave_the_ends_out) {
    const Blocks blocks(shape_of(32, 32, 2048));
    for (const BlockId b : {blocks.embed(), blocks.lm_head()}) {
        EXPECT_EQ(paper_memory(blocks, b, {64, 10}), 0);
        EXPECT_EQ(paper_compute(blocks, b, {64, 10}), 0);
        EXPECT_EQ(paper_output(blocks, b, {64, 10}), 0);
    }
}

TEST(PaperCosts, count_a_group_as_its_heads) {
    const Blocks plain(shape_of(8, 8, 256));
    const Blocks grouped(shape_of(8, 2, 256));
    const PaperLength length{16, 5};
    const BlockId one = plain.group(0, 0);
    const BlockId four = grouped.group(0, 0);
    EXPECT_EQ(paper_memory(grouped, four, length), 4 * paper_memory(plain, one, length));
    EXPECT_EQ(paper_cache(grouped, four, length), 4 * paper_cache(plain, one, length));
    EXPECT_EQ(paper_compute(grouped, four, length), 4 * paper_compute(plain, one, length));
    EXPECT_EQ(paper_output(grouped, four, length), 4 * paper_output(plain, one, length));
}

/// Two heads, D 64, d 32, L = 10 + 2 = 12. Compute: head 3·12·64·32 + 144·32 = 78 336, proj 12·4096
/// = 49 152, ffn 393 216. Output: head 12·32·4 = 1536 B, proj 3072 B.
class PaperDelay : public ::testing::Test {
  protected:
    Blocks blocks{testing::example_shape()};
    Snapshot snapshot = take_snapshot(testing::example_fleet(), 0, 0);
    PaperLength length{10, 2};
};

TEST_F(PaperDelay, is_the_formula_of_one_layer) {
    // head 0 and proj on A (10^9/s), head 1 and ffn on B (2·10^9/s), links 10^6 B/s: max(78 336, 39
    // 168) + 1 536 000 + 49 152 + 3 072 000 + 196 608 ns.
    EXPECT_NEAR(
        paper_delay_s(blocks, testing::example_placement(), snapshot, length), 4'932'096e-9, 1e-15
    );
    const Placement all_a(blocks.size(), kFirstDevice);
    EXPECT_NEAR(
        paper_delay_s(blocks, all_a, snapshot, length),
        (2 * 78'336 + 49'152 + 393'216) * 1e-9,
        1e-15
    );
}

TEST_F(PaperDelay, gathers_by_sum_or_by_the_slowest_device) {
    Fleet fleet = testing::equal_fleet(3, 1'000'000'000, 1'000'000, 0);
    fleet.network.set(DeviceId(2), kFirstDevice, {{.base = 500'000}, {.base = 0}});
    const Snapshot three = take_snapshot(fleet, 0, 0);
    // heads on 1 and 2, the rest on 0: 1.536 ms and 3.072 ms.
    const Placement placement{
        kFirstDevice, kSecondDevice, DeviceId(2), kFirstDevice, kFirstDevice, kFirstDevice};
    const double compute = (78'336 + 49'152 + 393'216) * 1e-9;
    EXPECT_NEAR(paper_delay_s(blocks, placement, three, length), compute + 4.608e-3, 1e-15);
    EXPECT_NEAR(
        paper_delay_s(blocks, placement, three, length, PaperGather::max), compute + 3.072e-3, 1e-15
    );
}

TEST_F(PaperDelay, adds_up_over_layers) {
    ModelShape shape = testing::example_shape();
    shape.layers = 3;
    shape.layer_types.assign(3, LayerTypes{});
    const Blocks three(shape);
    EXPECT_NEAR(
        paper_delay_s(three, Placement(three.size(), kSecondDevice), snapshot, length),
        3 * paper_delay_s(blocks, Placement(blocks.size(), kSecondDevice), snapshot, length),
        1e-15
    );
}

TEST_F(PaperDelay, is_infinite_over_a_dead_link_only_if_it_is_used) {
    snapshot.links[1].bandwidth = 0; // A -> B
    EXPECT_TRUE(std::isinf(paper_delay_s(blocks, testing::example_placement(), snapshot, length)));
    EXPECT_FALSE(
        std::isinf(paper_delay_s(blocks, Placement(blocks.size(), kFirstDevice), snapshot, length))
    );
}

TEST_F(PaperDelay, migration_sums_over_moved_blocks) {
    const Placement all_a(blocks.size(), kFirstDevice);
    // Head: 3·12·32·4 + 3·64·32·4 + 2·64·4 = 29 696 B; ffn: 4·12·64·4 = 12 288 B; at 10^6 B/s.
    EXPECT_NEAR(
        paper_migration_s(blocks, testing::example_placement(), all_a, snapshot, length),
        41.984e-3,
        1e-15
    );
    EXPECT_EQ(paper_migration_s(blocks, all_a, all_a, snapshot, length), 0.0);
}

/// A problem with a random sliced model on the fleet of the worked example.
Problem sliced_problem(const Blocks& blocks, Random& random) {
    Problem problem;
    problem.blocks = &blocks;
    problem.snapshot = take_snapshot(testing::example_fleet(), 0, 0);
    problem.context = 20;
    problem.rows = 20;
    problem.prompt = 5;
    problem.previous = testing::random_placement(random, blocks.size(), 2);
    return problem;
}

TEST(PaperCosts, of_sliced_blocks_are_infinite_and_do_not_fail) {
    Random random(41);
    for (int i = 0; i < 100; ++i) {
        const ModelShape shape = testing::random_shape(random);
        const Reduce reduce = i % 2 == 0 ? Reduce::hub : Reduce::ring;
        const Blocks blocks(shape, testing::random_cut(random, shape, reduce));
        Problem problem = sliced_problem(blocks, random);
        const Placement placement = testing::random_placement(random, blocks.size(), 2);
        const Decision decision = evaluate(problem, placement);
        EXPECT_TRUE(std::isinf(decision.paper_delay_s));
        EXPECT_EQ(decision.paper_migration_s, 0);
        EXPECT_LT(decision.inference, kNever);
        EXPECT_TRUE(std::isfinite(objective(problem, decision)));
        EXPECT_EQ(paper_memory(blocks, blocks.hub(0), problem.paper_cost_length()), 0);
        EXPECT_EQ(paper_compute(blocks, blocks.slice(0, 0), problem.paper_cost_length()), 0);
        problem.cost_profile = CostProfile::paper; // scenarios do not allow it with slices
        EXPECT_TRUE(std::isinf(objective(problem, placement)));
        EXPECT_NO_THROW((void)validate(problem, placement));
    }
}

} // namespace
} // namespace headroom::scheduler
