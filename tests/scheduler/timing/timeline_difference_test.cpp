// The timeline equals a second implementation on random fleets, and predictions equal the timeline.
#include <array>
#include <map>
#include <memory>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "scheduler/timing/timeline.hpp"
#include "tests/scheduler/instances/fleets.hpp"
#include "tests/scheduler/timing/naive_timeline.hpp"

namespace headroom::scheduler {
namespace {

/// Deliberate faults of the second implementation.
struct Planted {
    Nanoseconds error = 0;
    bool parallel_loads = false;
    bool narrow_sums = false;
    testing::CostFault fault = testing::CostFault::none;
};

/// The cuts that layers can have: whole blocks, slices and a hub, slices and a ring.
enum class LayerKind : std::uint8_t { paper, hub, ring };

Cut cut_of(LayerKind layers, Random& random, const ModelShape& shape) {
    switch (layers) {
    case LayerKind::paper:
        return {};
    case LayerKind::hub:
        return testing::random_cut(random, shape, Reduce::hub);
    case LayerKind::ring:
        return testing::random_cut(random, shape, Reduce::ring);
    }
    return {};
}

/// Returns the first operation with another time in the second implementation; empty if all agree.
std::string differing_op(
    const TimelineLog& log, const testing::NaiveTimeline& naive, const Blocks& blocks
) {
    std::map<BlockId, std::vector<testing::NaiveTimeline::StartAndEnd>> ops;
    for (const OpRecord& op : log.ops) {
        ops[op.block].emplace_back(op.start, op.end);
    }
    for (const auto& [block, times] : naive.ops()) {
        if (ops[block] != times) {
            return to_string(blocks.name(block));
        }
    }
    return ops.size() == naive.ops().size() ? "" : "the number of operations";
}

/// A prefill of one sequence, then batches of up to four sequences, which decode or process chunks
/// of prompts.
std::vector<TurnWork> random_batch(Random& random, std::int64_t round, std::int64_t& number) {
    if (round == 0) {
        return {TurnWork{.first = 0, .tokens = 6, .number = number++}};
    }
    std::vector<TurnWork> turns;
    const std::uint64_t sequences = 1 + random.below(4);
    for (std::uint64_t s = 0; s < sequences; ++s) {
        TurnWork turn{.first = 5 + round, .tokens = 1};
        if (random.below(4) == 0) {
            turn.tokens = 1 + static_cast<std::int64_t>(random.below(5));
            turn.samples = random.below(2) == 0;
        }
        turn.slot = static_cast<std::int32_t>(s);
        turn.number = number++;
        turns.push_back(turn);
    }
    return turns;
}

/// Executes a batch as the only one under way.
TimelineLog execute(
    Timeline& timeline,
    const Blocks& blocks,
    const std::vector<Program>& programs,
    const Batch& batch,
    DeviceId source,
    const Timeline::Overload& overload
) {
    timeline.install(
        &programs, phase_offsets(blocks, programs, {}, source, 1, true), {source, overload, true}
    );
    (void)timeline.end(timeline.visit({batch}));
    TimelineLog log;
    for (const DeviceLog& device : timeline.take_logs()) {
        log.ops.insert(log.ops.end(), device.records.ops.begin(), device.records.ops.end());
    }
    return log;
}

/// Runs a random fleet: one prefill, a migration and two batches. Every second seed has weights on
/// all devices. Returns the differences.
std::string difference(
    std::uint64_t seed,
    const Planted& planted,
    LayerKind layers = LayerKind::paper,
    const testing::FleetCosts& costs = {}
) {
    const bool everywhere = seed % 2 == 1;
    Random random(stream_seed(seed, "timeline difference"));
    const ModelShape shape = testing::fine_shape(random);
    const Blocks blocks(shape, cut_of(layers, random, shape));
    const auto devices = 1 + static_cast<std::size_t>(random.below(5));
    Fleet fleet = testing::random_fleet(random, devices);
    testing::add_costs(fleet, costs, random);
    Placement placement = testing::random_placement(random, blocks.size(), devices);
    const std::vector<Bytes> over{0, 700'000, 0, 1, 30'000};
    const Timeline::Overload overload = [&](const Timeline::FirstOperation& first) {
        return over[first.device.index()];
    };
    Timeline timeline(blocks, devices);
    testing::NaiveTimeline naive(fleet, blocks);
    naive.error = planted.error;
    naive.parallel_loads = planted.parallel_loads;
    naive.narrow_sums = planted.narrow_sums;
    naive.fault = planted.fault;
    std::int64_t number = 0;
    for (std::int64_t round = 0; round < 3; ++round) {
        const auto rates = std::make_shared<FleetRates>(fleet, round);
        const std::vector<TurnWork> turns = random_batch(random, round, number);
        const std::vector<Program> programs =
            lower(blocks, placement, fleet.source, devices, medium_of(fleet));
        const TimelineLog log =
            execute(timeline, blocks, programs, {turns, rates}, fleet.source, overload);
        naive.turns(placement, turns, round, over);
        const std::string differing = differing_op(log, naive, blocks);
        if (!differing.empty()) {
            return fmt::format("{} of batch {}", differing, round);
        }
        const Placement next = testing::random_placement(random, blocks.size(), devices);
        const std::vector<Move> moves =
            moves_between(blocks, placement, next, {6 + round, 6 + round}, everywhere);
        const Nanoseconds t_switch = timeline.clock(fleet.source);
        const MigrationFacts facts{round + 1, medium_of(fleet)};
        if (timeline.migrate(moves, *rates, t_switch, nullptr, facts) !=
            naive.migrate(moves, t_switch, round, round + 1)) {
            return fmt::format("t_resume after batch {}", round);
        }
        for (std::size_t d = 0; d < devices; ++d) {
            if (timeline.clock(DeviceId(d)) != naive.clocks()[d]) {
                return fmt::format("clock of device {} after batch {}", d, round);
            }
        }
        placement = next;
    }
    return "";
}

class TimelineOf : public ::testing::TestWithParam<LayerKind> {};

std::string layers_name(const ::testing::TestParamInfo<LayerKind>& tested) {
    constexpr std::array kNames{"paper", "hub", "ring"};
    return kNames[static_cast<std::size_t>(tested.param)];
}

INSTANTIATE_TEST_SUITE_P(
    All,
    TimelineOf,
    ::testing::Values(LayerKind::paper, LayerKind::hub, LayerKind::ring),
    layers_name
);

TEST_P(TimelineOf, agrees_with_a_second_implementation_to_the_nanosecond) {
    for (std::uint64_t seed = 0; seed < 100; ++seed) {
        ASSERT_EQ(difference(seed, {}, GetParam()), "") << "seed " << seed;
    }
}

TEST_P(TimelineOf, agrees_with_a_second_implementation_under_all_costs_of_real_devices) {
    for (std::uint64_t seed = 0; seed < 128; ++seed) {
        const auto costs = testing::FleetCosts::choice(seed % 32);
        ASSERT_EQ(difference(seed, {}, GetParam(), costs), "") << "seed " << seed;
    }
}

TEST_P(TimelineOf, twin_the_comparison_sees_every_mistake_in_the_costs) {
    using testing::CostFault;
    for (const CostFault fault :
         {CostFault::joint_pieces,
          CostFault::dear_prefill,
          CostFault::overhead_per_block,
          CostFault::silent_receiver,
          CostFault::quick_repetition,
          CostFault::early_latency,
          CostFault::free_link,
          CostFault::private_media}) {
        int seen = 0;
        for (std::uint64_t seed = 0; seed < 30; ++seed) {
            const auto costs = testing::FleetCosts::all();
            seen += difference(seed, {.fault = fault}, GetParam(), costs).empty() ? 0 : 1;
        }
        EXPECT_GT(seen, 5) << "fault " << static_cast<int>(fault);
    }
}

TEST_P(TimelineOf, twin_the_comparison_sees_every_mistake_in_the_parts_of_groups) {
    using testing::CostFault;
    for (const CostFault fault : {CostFault::no_exchange, CostFault::joint_parts}) {
        int seen = 0;
        for (std::uint64_t seed = 0; seed < 100; ++seed) {
            const auto costs = testing::FleetCosts::all();
            seen += difference(seed, {.fault = fault}, GetParam(), costs).empty() ? 0 : 1;
        }
        EXPECT_GT(seen, 10) << "fault " << static_cast<int>(fault);
        EXPECT_LT(seen, 60) << "most shapes have whole groups";
    }
}

TEST_P(TimelineOf, twin_the_comparison_sees_one_nanosecond) {
    int seen = 0;
    for (std::uint64_t seed = 0; seed < 15; ++seed) {
        seen += difference(seed, {.error = 1}, GetParam()).empty() ? 0 : 1;
    }
    EXPECT_GT(seen, 9) << "all but the runs that have one device";
}

TEST(Timeline, twin_the_comparison_sees_sums_that_are_as_narrow_as_their_terms) {
    for (const LayerKind layers : {LayerKind::hub, LayerKind::ring}) {
        int seen = 0;
        for (std::uint64_t seed = 0; seed < 40; ++seed) {
            seen += difference(seed, {.narrow_sums = true}, layers).empty() ? 0 : 1;
        }
        EXPECT_GT(seen, 15) << "all but the runs where no device adds several";
    }
}

TEST(Timeline, twin_the_comparison_sees_loads_that_do_not_wait_for_each_other) {
    int seen = 0;
    for (std::uint64_t seed = 0; seed < 100; ++seed) {
        const bool differs = !difference(seed, {.parallel_loads = true}).empty();
        EXPECT_TRUE(!differs || seed % 2 == 1) << "nothing is loaded there";
        seen += differs ? 1 : 0;
    }
    EXPECT_GT(seen, 5) << "in the others a message takes longest";
}

TEST_P(TimelineOf, snapshots_held_constant_is_the_prediction) {
    Random random(31);
    for (int i = 0; i < 200; ++i) {
        const ModelShape shape = testing::fine_shape(random);
        const Blocks blocks(shape, cut_of(GetParam(), random, shape));
        const auto devices = 1 + static_cast<std::size_t>(random.below(5));
        Fleet fleet = testing::random_fleet(random, devices);
        if (i >= 100) {
            testing::add_costs(fleet, testing::FleetCosts::choice(random.below(32)), random);
        }
        const Snapshot snapshot = take_snapshot(fleet, 3'000'000, 1);
        const Placement from = testing::random_placement(random, blocks.size(), devices);
        const Placement to = testing::random_placement(random, blocks.size(), devices);
        const SnapshotRates rates(snapshot);
        Timeline timeline(blocks, devices);
        const MediumOf media = medium_of(fleet);
        const Nanoseconds step = timeline.turn(
            lower(blocks, to, fleet.source, devices, media), rates, {41, 1}, fleet.source
        );
        EXPECT_EQ(predict_inference(blocks, to, snapshot, fleet.source, 42), step);
        Timeline fresh(blocks, devices);
        const std::vector<Move> moves = moves_between(blocks, from, to, {17, 17});
        EXPECT_EQ(
            predict_migration(blocks, from, to, snapshot, {17, 17}),
            fresh.migrate(moves, rates, 0, nullptr, {0, media})
        );
        EXPECT_EQ(predict_migration(blocks, to, to, snapshot, {17, 17}), 0);
        Timeline loading(blocks, devices);
        EXPECT_EQ(
            predict_migration(blocks, from, to, snapshot, {17, 17}, true),
            loading.migrate(
                moves_between(blocks, from, to, {17, 17}, true), rates, 0, nullptr, {0, media}
            )
        );
        EXPECT_EQ(predict_migration(blocks, to, to, snapshot, {17, 17}, true), 0);
    }
}

} // namespace
} // namespace headroom::scheduler
