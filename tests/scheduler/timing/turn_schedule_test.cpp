// The order in which a device executes the turns under way, and the time of a round of several
// sequences, compared with the known formulas for pipelines.
#include <algorithm>
#include <numeric>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/check.hpp"
#include "base/random.hpp"
#include "scheduler/timing/evaluate.hpp"
#include "scheduler/timing/round_prediction.hpp"
#include "scheduler/timing/timeline.hpp"
#include "scheduler/timing/turn_schedule.hpp"
#include "tests/scheduler/instances/fleets.hpp"

namespace headroom::scheduler {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr std::int64_t kContext = 40;

/// Returns a problem with `in_flight` equal sequences.
Problem problem_of(const Blocks& blocks, const Fleet& fleet, std::int64_t in_flight) {
    Problem problem;
    problem.blocks = &blocks;
    problem.snapshot = take_snapshot(fleet, 0, 0);
    problem.source = fleet.source;
    problem.context = kContext;
    problem.aim = Aim::throughput;
    for (std::int64_t s = 0; s < in_flight && in_flight > 1; ++s) {
        problem.sequences.push_back({kContext, kContext});
    }
    return problem;
}

TEST(Segments, are_the_program_cut_before_runs_of_receives) {
    for (std::uint64_t seed = 1; seed <= 200; ++seed) {
        Random random(stream_seed(seed, "segments"));
        const std::size_t devices = 1 + random.below(5);
        const ModelShape shape = testing::random_shape(random);
        const Blocks blocks(shape);
        for (const Program& program : lower(
                 blocks,
                 testing::random_placement(random, blocks.size(), devices),
                 DeviceId(0),
                 devices
             )) {
            std::size_t at = 0;
            for (const ProgramSegment& segment : segments_of(program)) {
                EXPECT_EQ(segment.begin, at);
                ASSERT_GT(segment.end, segment.begin);
                bool computed = false;
                for (; at < segment.end; ++at) {
                    const bool receives = program[at].code == OpCode::receive;
                    EXPECT_FALSE(computed && receives) << "a receive within a segment";
                    computed |= !receives;
                }
                const bool more = at < program.size();
                EXPECT_TRUE(!more || program[at].code == OpCode::receive);
            }
            EXPECT_EQ(at, program.size());
        }
    }
}

/// Returns the schedule of one device with these keys.
TurnSchedule schedule_of(
    std::vector<ScheduleKey> places, std::int64_t visits, Nanoseconds period, bool source
) {
    return {PhaseOffsets{visits, period, {std::move(places)}}, DeviceId(0), source};
}

std::vector<Task> visit(TurnSchedule& schedule, const std::vector<std::int64_t>& batches) {
    return schedule.visit(batches);
}

TEST(TurnSchedule, of_one_turn_at_a_time_is_the_program) {
    TurnSchedule schedule = schedule_of({{0, 0}, {0, 0}, {0, 0}}, 1, 1, true);
    EXPECT_THAT(visit(schedule, {7}), ElementsAre(Task{7, 0}, Task{7, 1}));
    EXPECT_THAT(schedule.end(7), ElementsAre(Task{7, 2}));
    EXPECT_THAT(visit(schedule, {}), IsEmpty());
    EXPECT_THAT(visit(schedule, {8}), ElementsAre(Task{8, 0}, Task{8, 1}));
}

TEST(TurnSchedule, spreads_the_turns_under_way_over_the_step) {
    // A step of 12; segments are due at 0, 4 and 10; three visits per cycle, 4 of the step each.
    TurnSchedule schedule = schedule_of({{0, 0}, {4, 1}, {10, 2}}, 3, 12, false);
    EXPECT_THAT(visit(schedule, {1}), ElementsAre(Task{1, 0}));
    EXPECT_THAT(visit(schedule, {2}), ElementsAre(Task{1, 1}, Task{2, 0}));
    EXPECT_THAT(visit(schedule, {3}), ElementsAre(Task{2, 1}, Task{3, 0}, Task{1, 2}));
    EXPECT_THAT(visit(schedule, {}), ElementsAre(Task{3, 1}, Task{2, 2}));
    EXPECT_THAT(visit(schedule, {}), ElementsAre(Task{3, 2}));
    EXPECT_THAT(visit(schedule, {}), IsEmpty());
}

TEST(TurnSchedule, orders_what_is_due_at_once_by_turn_and_then_by_messages) {
    TurnSchedule schedule = schedule_of({{0, 0}, {0, 1}, {5, 3}}, 2, 10, false);
    EXPECT_THAT(visit(schedule, {1}), ElementsAre(Task{1, 0}, Task{1, 1}));
    EXPECT_THAT(visit(schedule, {2}), ElementsAre(Task{1, 2}, Task{2, 0}, Task{2, 1}));
}

TEST(TurnSchedule, executes_each_segment_for_all_batches_that_began_together) {
    TurnSchedule schedule = schedule_of({{0, 0}, {3, 1}, {9, 2}}, 1, 12, true);
    EXPECT_THAT(
        visit(schedule, {4, 6, 7}),
        ElementsAre(Task{4, 0}, Task{6, 0}, Task{7, 0}, Task{4, 1}, Task{6, 1}, Task{7, 1})
    );
    EXPECT_THAT(schedule.end(6), ElementsAre(Task{6, 2}));
    EXPECT_THAT(visit(schedule, {}), IsEmpty());
}

/// A ring of layers over equal devices: embed, lm_head and the first layers on the source.
struct Ring {
    Blocks blocks;
    Fleet fleet;
    Placement placement;
    std::vector<Nanoseconds> stages; ///< tᵢ
    std::vector<Nanoseconds> hops;   ///< sᵢ, normed x and x; the last x alone to the source
    std::vector<Nanoseconds> waits;  ///< of cᵢ, without latency: a device's groups work meanwhile
    Nanoseconds latency = 0;

    /// Returns the time of a round of m sequences, m / min(1/max tᵢ, 1/max sᵢ, m/Σ(tᵢ + cᵢ)), as in
    /// docs/explanation/ring-pipelines.md#steady-state.
    [[nodiscard]] double round(std::int64_t m) const {
        const auto most = [](const std::vector<Nanoseconds>& times) {
            return times.empty() ? 0.0 : static_cast<double>(*std::ranges::max_element(times));
        };
        double lap = 0;
        for (const Nanoseconds t : stages) {
            lap += static_cast<double>(t);
        }
        for (const Nanoseconds wait : waits) {
            lap += static_cast<double>(wait + latency);
        }
        const auto all = static_cast<double>(m);
        return std::max({all * most(stages), all * most(hops), lap});
    }
};

ModelShape deep_shape(Random& random) {
    ModelShape shape = testing::example_shape();
    shape.layers = 2 + static_cast<std::int32_t>(random.below(10));
    shape.layer_types.assign(static_cast<std::size_t>(shape.layers), shape.layer_types.front());
    return shape;
}

Ring random_ring(Random& random) {
    const ModelShape shape = deep_shape(random);
    const auto most = std::min<std::uint64_t>(5, static_cast<std::uint64_t>(shape.layers));
    const std::size_t devices = 1 + random.below(most);
    const Nanoseconds latency = static_cast<Nanoseconds>(random.below(200'000));
    const std::uint64_t fastest = random.below(3) == 0 ? 500'000 : 40'000'000;
    const auto bandwidth = static_cast<PerSecond>(200'000 + random.below(fastest));
    Ring ring{
        Blocks(shape),
        testing::equal_fleet(devices, 500'000'000, bandwidth, latency),
        Placement(Blocks(shape).size(), DeviceId(0)),
        std::vector<Nanoseconds>(devices),
        {},
        {},
        latency,
    };
    for (std::int32_t layer = 0; layer < shape.layers; ++layer) {
        const auto d =
            static_cast<std::size_t>(layer) * devices / static_cast<std::size_t>(shape.layers);
        for (std::int32_t n = 0; n < ring.blocks.blocks_per_layer(); ++n) {
            ring.placement[ring.blocks.group(layer, 0).index() + static_cast<std::size_t>(n)] =
                DeviceId(d);
        }
    }
    for (std::size_t i = 0; i < ring.placement.size(); ++i) {
        const Flops flops = ring.blocks.flops(BlockId(i), kContext, 1);
        ring.stages[ring.placement[i].index()] += flops * 2; // 500 MFLOP/s
    }
    const Nanoseconds vector = shape.width * 4 * kSecond / bandwidth;
    for (std::size_t d = 1; d < devices; ++d) {
        const Nanoseconds groups =
            2 * ring.blocks.groups() * ring.blocks.flops(ring.blocks.group(0, 0), kContext, 1);
        ring.hops.push_back(2 * vector);
        ring.waits.push_back(vector + std::max<Nanoseconds>(0, vector - groups));
    }
    if (devices > 1) {
        ring.hops.push_back(vector);
        ring.waits.push_back(vector);
    }
    return ring;
}

TEST(Rounds, on_a_ring_take_what_the_formula_says) {
    int near = 0;
    int bound_by_stage = 0;
    int bound_by_hop = 0;
    int bound_by_lap = 0;
    for (std::uint64_t seed = 1; seed <= 300; ++seed) {
        Random random(stream_seed(seed, "ring rounds"));
        const Ring ring = random_ring(random);
        const auto m = static_cast<std::int64_t>(1 + random.below(3 * ring.stages.size()));
        const Problem problem = problem_of(ring.blocks, ring.fleet, m);
        const auto walked = static_cast<double>(predict_rounds(problem, ring.placement, 1).round);
        const double formula = ring.round(m);
        // A stage or link that is hardly slower than another one limits the round only after a
        // queue has formed before it, which takes more rounds than are simulated.
        EXPECT_GT(walked / formula, 0.97) << seed;
        EXPECT_LT(walked / formula, 1.01) << seed;
        near += std::abs(walked / formula - 1) < 0.001;
        const auto stage = static_cast<double>(m * *std::ranges::max_element(ring.stages));
        bound_by_stage += formula == stage && m > 1;
        bound_by_lap += formula > stage * 1.01;
        bound_by_hop += !ring.hops.empty() &&
                        formula == static_cast<double>(m * *std::ranges::max_element(ring.hops));
    }
    EXPECT_GE(near, 290) << "of 300";
    EXPECT_GT(bound_by_stage, 50);
    EXPECT_GT(bound_by_lap, 30);
    EXPECT_GT(bound_by_hop, 5);
}

/// Returns a lower bound of a round: the time for which the busiest device computes in it.
Nanoseconds busiest(const Problem& problem, const Placement& placement, const Fleet& fleet) {
    Timeline timeline(*problem.blocks, fleet.size());
    TimelineLog log;
    (void)timeline.turn(
        lower(*problem.blocks, placement, fleet.source, fleet.size()),
        SnapshotRates(problem.snapshot),
        {kContext, 1},
        fleet.source,
        nullptr,
        &log
    );
    std::vector<Nanoseconds> busy(fleet.size());
    for (const OpRecord& op : log.ops) {
        busy[op.device.index()] += op.end - op.start;
    }
    return problem.in_flight() * *std::ranges::max_element(busy);
}

TEST(Rounds, of_any_placement_lie_between_the_busiest_device_and_about_one_after_the_other) {
    double ratios = 0;
    constexpr int kSeeds = 200;
    for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
        Random random(stream_seed(seed, "any rounds"));
        const Blocks blocks(deep_shape(random));
        const std::size_t devices = 2 + random.below(4);
        const Fleet fleet = testing::equal_fleet(
            devices, 50'000'000, 100'000'000, static_cast<Nanoseconds>(random.below(400'000))
        );
        const Placement placement = testing::random_placement(random, blocks.size(), devices);
        const auto m = static_cast<std::int64_t>(2 + random.below(2 * devices));
        const Problem problem = problem_of(blocks, fleet, m);
        const Nanoseconds round = predict_rounds(problem, placement, 1).round;
        const Nanoseconds alone =
            predict_inference(blocks, placement, problem.snapshot, fleet.source, kContext + 1);
        EXPECT_GE(round, busiest(problem, placement, fleet)) << seed;
        // A fixed order can delay a device more than executing one turn after the other, but
        // rarely.
        EXPECT_LE(round, m * alone * 11 / 10) << seed;
        ratios += static_cast<double>(round) / static_cast<double>(m * alone);
    }
    EXPECT_LT(ratios / kSeeds, 0.7) << "several in flight hardly help";
}

TEST(Rounds, of_joined_turns_touch_the_weights_once) {
    const Blocks blocks(testing::example_shape());
    Fleet fleet = testing::equal_fleet(1, 1'000'000'000'000, 1'000'000'000, 0);
    fleet.devices[0].memory_bandwidth = testing::constant_profile(1'000'000'000);
    const Placement placement(blocks.size(), DeviceId(0));
    const Problem problem = problem_of(blocks, fleet, 4);
    Bytes weights = 0;
    Bytes caches = 0;
    for (std::size_t i = 0; i < blocks.size(); ++i) {
        weights += blocks.touched_bytes(BlockId(i), 0, 0);
        caches += blocks.cache_row_bytes(BlockId(i), kContext + 1);
    }
    // 1 GB/s: a byte takes a nanosecond.
    EXPECT_EQ(predict_rounds(problem, placement, 1).round, 4 * (weights + caches));
    EXPECT_EQ(predict_rounds(problem, placement, 2).round, 2 * weights + 4 * caches);
    EXPECT_EQ(predict_rounds(problem, placement, 4).round, weights + 4 * caches);
}

/// With one device and compute only, prompts take additional time in proportion to their FLOP.
TEST(Rounds, count_the_time_of_pending_prompts) {
    const Blocks blocks(testing::example_shape());
    const Fleet fleet = testing::equal_fleet(1, 1'000'000'000, 1'000'000'000, 0);
    const Placement placement(blocks.size(), DeviceId(0));
    Problem problem = problem_of(blocks, fleet, 3);
    problem.sequences[1].prompt = {4, 5, 20};
    problem.sequences[2].prompt = {0, 7, 40};
    const auto step = [&](std::int64_t first, std::int64_t tokens, bool samples) {
        Flops flops = 0;
        for (std::size_t i = 0; i < blocks.size(); ++i) {
            const BlockId b(i);
            flops += samples || b != blocks.lm_head() ? blocks.flops(b, first, tokens) : 0;
        }
        return flops; // 1 GFLOP/s: one takes a nanosecond
    };
    const Flops decode = step(kContext, 1, true);
    EXPECT_EQ(problem.prompt_spread_rounds(), 30);
    RoundTimes times = predict_rounds(problem, placement, 1);
    EXPECT_EQ(times.round, 3 * decode);
    EXPECT_EQ(times.prompts, step(4, 5, true) + step(0, 7, true) - 2 * decode);
    EXPECT_EQ(
        round_with_prompt_share(problem, times.round, times.prompts),
        times.round + times.prompts / 30
    );
    EXPECT_EQ(predict_rounds(problem, placement, 3).prompts, times.prompts) << "none is joined";
    problem.prefill_chunk = 4;
    times = predict_rounds(problem, placement, 1);
    const Flops chunks =
        step(4, 4, false) + step(8, 1, true) + step(0, 4, false) + step(4, 3, true);
    EXPECT_EQ(times.prompts, chunks - 4 * decode)
        << "two rounds, of which the first is decoded too";
    problem.sequences[1].prompt = problem.sequences[2].prompt = {};
    EXPECT_EQ(predict_rounds(problem, placement, 1).prompts, 0);
    EXPECT_EQ(problem.prompt_spread_rounds(), 0);
}

} // namespace
} // namespace headroom::scheduler
