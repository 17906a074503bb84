// Layers with windows: what their groups cost, counted position by position, and by hand.
#include <algorithm>
#include <set>

#include <gtest/gtest.h>

#include "scheduler/core/problem.hpp"
#include "scheduler/core/validate.hpp"
#include "scheduler/cost/memory_ledger.hpp"
#include "scheduler/cost/step_cost.hpp"
#include "tests/scheduler/instances/fleets.hpp"

namespace headroom::scheduler {
namespace {

/// Four layers with D 64, 4 heads of width 16 in 2 groups (q = 2), of which the second and the
/// fourth have no window.
ModelShape windowed_shape(std::int64_t window) {
    ModelShape shape;
    shape.layers = 4;
    shape.heads = 4;
    shape.kv_heads = 2;
    shape.width = 64;
    shape.ffn_width = 96;
    shape.vocabulary = 50;
    shape.context = 128;
    shape.layer_types.assign(4, LayerTypes::all(WeightType::f32));
    shape.kv_type = WeightType::f16;
    shape.window = window;
    shape.window_period = 2;
    return shape;
}

constexpr Bytes kRow = 2 * 16 * 2; ///< bytes of a key and a value

/// Positions that a token attends to, and that are in a cache or in the buffer of a turn.
using Positions = std::set<std::int64_t>;

Positions last_positions(std::int64_t end, std::int64_t count) {
    Positions positions;
    for (std::int64_t p = std::max<std::int64_t>(0, end - count); p < end; ++p) {
        positions.insert(p);
    }
    return positions;
}

/// Counts a turn of `tokens` tokens after `first` in a layer with a window, position by position.
struct Counted {
    std::int64_t attended = 0;
    std::int64_t read = 0;
    bool complete = true; ///< whether cache and buffer have all positions attended to

    Counted(std::int64_t window, std::int64_t first, std::int64_t tokens) {
        Positions at_hand = last_positions(first, window - 1); // what the cache keeps
        for (std::int64_t p = first; p < first + tokens; ++p) {
            at_hand.insert(p);
        }
        read = static_cast<std::int64_t>(at_hand.size());
        for (std::int64_t p = first; p < first + tokens; ++p) {
            const Positions seen = last_positions(p + 1, window);
            attended += static_cast<std::int64_t>(seen.size());
            complete &= std::ranges::includes(at_hand, seen);
        }
    }
};

TEST(Windows, limit_what_a_turn_computes_and_reads) {
    for (const std::int64_t window : {1, 2, 5, 16, 17, 33, 100}) {
        const Blocks blocks(windowed_shape(window));
        const BlockId group = blocks.group(0, 1);
        const BlockId global = blocks.group(1, 1);
        const Flops weights = 2 * 4 * 16 * 64;
        for (const std::int64_t first : {0, 1, 4, 15, 16, 31, 40, 90}) {
            for (const std::int64_t n : {1, 2, 7, 16, 30}) {
                const Counted counted(window, first, n);
                EXPECT_TRUE(counted.complete) << "window " << window << " first " << first;
                EXPECT_EQ(
                    blocks.flops(group, first, n), n * weights + 4 * 2 * 16 * counted.attended
                );
                EXPECT_EQ(blocks.cache_touched_bytes(group, first, n), kRow * counted.read);
                EXPECT_EQ(
                    blocks.touched_bytes(group, first, n),
                    blocks.matrix_bytes(group) + kRow * counted.read
                );
                EXPECT_EQ(blocks.cache_touched_bytes(global, first, n), kRow * (first + n));
                OperationCost twice;
                twice.add(blocks, group, first, n);
                twice.add(blocks, group, first, n);
                EXPECT_EQ(
                    twice.touched, blocks.touched_bytes(group, first, n) + kRow * counted.read
                );
            }
        }
    }
}

/// A window of n tokens needs n − 1 of them in the cache; with one less, a token is missing.
TEST(Windows, need_all_rows_that_are_kept) {
    const Blocks blocks(windowed_shape(9));
    EXPECT_EQ(blocks.kept_rows(30), (CacheRows{30, 8}));
    EXPECT_EQ(blocks.kept_rows(5), (CacheRows{5, 5}));
    Positions too_few = last_positions(30, 7);
    too_few.insert(30);
    EXPECT_FALSE(std::ranges::includes(too_few, last_positions(31, 9)));
}

TEST(Windows, keep_so_many_pages) {
    const auto pages = [](std::int64_t window, std::int64_t tokens) {
        return Blocks(windowed_shape(window)).paged_rows(tokens).windowed / 16;
    };
    EXPECT_EQ(pages(33, 0), 0);
    EXPECT_EQ(pages(33, 16), 1);
    EXPECT_EQ(pages(33, 48), 3);
    EXPECT_EQ(pages(33, 49), 3) << "32 rows of 16, which can begin within a page";
    EXPECT_EQ(pages(33, 128), 3);
    EXPECT_EQ(pages(34, 128), 4);
    for (const std::int64_t window : {1, 2, 16, 17, 18, 33, 50}) {
        for (std::int64_t tokens = 0; tokens <= 128; ++tokens) {
            Positions used;
            for (const std::int64_t p : last_positions(tokens, window - 1)) {
                used.insert(p / 16);
            }
            EXPECT_LE(static_cast<std::int64_t>(used.size()), pages(window, tokens));
        }
    }
}

TEST(Windows, make_groups_of_global_and_window_layers_unlike) {
    const Blocks blocks(windowed_shape(20));
    EXPECT_TRUE(blocks.alike(0, 2));
    EXPECT_TRUE(blocks.alike(1, 3));
    EXPECT_FALSE(blocks.alike(0, 1));
    const Blocks all(windowed_shape(0));
    EXPECT_TRUE(all.alike(0, 1));
    EXPECT_EQ(blocks.cache_bytes(blocks.group(1, 0), 100), 7 * 16 * kRow);
    EXPECT_EQ(blocks.cache_bytes(blocks.group(0, 0), 100), 3 * 16 * kRow);
    EXPECT_EQ(blocks.cache_row_bytes(blocks.group(0, 0), 100), 19 * kRow);
    EXPECT_EQ(blocks.cache_row_bytes(blocks.group(0, 0), CacheRows{100, 30}), 30 * kRow);
    EXPECT_EQ(blocks.cache_row_bytes(blocks.proj(0), 100), 0);
}

TEST(Windows, need_a_buffer_for_the_rows_of_a_chunk_and_angles_of_their_own) {
    ModelShape shape = windowed_shape(20);
    const ModelShape global = windowed_shape(0);
    const TurnSizes sizes{24, 3, 2};
    const Bytes angles = 4 * 24 * 3 * shape.head_width();
    const Bytes more = 24 * kRow + angles;
    EXPECT_EQ(buffer_bytes(shape, sizes), buffer_bytes(global, sizes) + more);
    const Cut cut{Granularity::sliced, 3};
    EXPECT_EQ(buffer_bytes(shape, sizes, cut), buffer_bytes(global, sizes, cut) + more);
    shape.window_period = 0; // all layers have a window
    EXPECT_EQ(buffer_bytes(shape, sizes), buffer_bytes(global, sizes) + more - angles);
    shape.window_period = 1; // no layer has a window
    EXPECT_EQ(buffer_bytes(shape, sizes), buffer_bytes(global, sizes));
}

/// Caches of several sequences are not linear in their rows, so their sums are formed per kind.
TEST(Windows, count_for_every_sequence_by_itself) {
    const Blocks blocks(windowed_shape(20));
    Problem problem;
    problem.blocks = &blocks;
    problem.context = 59;
    problem.sequences = {{59, 59}, {9, 9}, {29, 0}};
    problem.rows = 68;
    EXPECT_EQ(problem.memory_rows(), (CacheRows{16 * (4 + 1 + 2), 16 * (3 + 1 + 2)}));
    EXPECT_EQ(problem.moved_rows(), (CacheRows{68, 19 + 9}));
    problem.sequences.clear();
    problem.rows = 59;
    EXPECT_EQ(problem.memory_rows(), (CacheRows{64, 48}));
    EXPECT_EQ(problem.moved_rows(), (CacheRows{59, 19}));
}

TEST(Windows, count_alike_in_the_ledger_and_in_validate) {
    const Blocks blocks(windowed_shape(20));
    Problem problem;
    problem.blocks = &blocks;
    problem.snapshot = take_snapshot(testing::equal_fleet(1, 1'000'000, 1'000'000, 0), 0, 0);
    problem.context = 59;
    problem.sequences = {{59, 59}, {9, 9}, {29, 0}};
    const Placement placement(blocks.size(), DeviceId(0));
    const Ledger ledger(problem, placement);
    Bytes expected = 0;
    for (std::size_t b = 0; b < blocks.size(); ++b) {
        expected += blocks.matrix_bytes(BlockId(b)) + blocks.norm_bytes(BlockId(b));
    }
    expected += 2 * 2 * kRow * 16 * (7 + 6); // two groups in each of two layers of either kind
    EXPECT_EQ(ledger.used(DeviceId(0)), expected);
    problem.snapshot.devices[0].memory = expected;
    EXPECT_TRUE(validate(problem, placement).ok());
    problem.snapshot.devices[0].memory = expected - 1;
    EXPECT_FALSE(validate(problem, placement).ok());
}

/// The cost of a batch is the mean of its sequences' costs, which is not that of the mean context.
TEST(Windows, give_a_batch_the_mean_of_what_its_sequences_attend_to) {
    const Blocks blocks(windowed_shape(20));
    Problem problem;
    problem.blocks = &blocks;
    problem.snapshot = take_snapshot(testing::equal_fleet(1, 1'000'000, 1'000'000, 0), 0, 0);
    problem.snapshot.devices[0].compute = 1'000'000;
    problem.snapshot.devices[0].memory_bandwidth = kUnlimited;
    problem.context = 99;
    problem.sequences = {{99, 99}, {3, 3}}; // at T + 1 = 100 and 4: of a window 20 and 4
    const StepDelay step(problem, 2);
    const auto time = [&](std::int64_t attended) {
        return (2 * 2 * 4 * 16 * 64 + 4 * 2 * 16 * attended) * 1000; // 1 µs per FLOP
    };
    EXPECT_EQ(step.group_time(0, 0), time(20 + 4));
    EXPECT_EQ(step.group_time(1, 0), time(100 + 4));
}

} // namespace
} // namespace headroom::scheduler
