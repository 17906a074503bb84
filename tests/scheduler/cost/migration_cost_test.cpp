// MoveDelay equals predict_migration to the nanosecond, whether weights are sent or loaded.
#include <gtest/gtest.h>

#include "base/random.hpp"
#include "scheduler/core/validate.hpp"
#include "scheduler/cost/migration_cost.hpp"
#include "scheduler/cost/step_cost.hpp"
#include "scheduler/policies/registry.hpp"
#include "scheduler/timing/timeline.hpp"
#include "tests/scheduler/cost/stalls.hpp"
#include "tests/scheduler/instances/device_costs.hpp"
#include "tests/scheduler/instances/instances.hpp"

namespace headroom::scheduler {
namespace {

using testing::Instance;
using testing::random_placement_for;
using testing::wild_instance;
using testing::WildOptions;

/// Returns a wild instance with a previous placement and with storage and weights on every device.
Instance loading_instance(const WildOptions& wildness, std::uint64_t seed) {
    Instance instance = wild_instance(wildness, seed);
    Random random(stream_seed(seed, "storage"));
    Problem& problem = instance.problem;
    problem.weights_everywhere = true;
    for (Snapshot::Device& device : problem.snapshot.devices) {
        const bool stalls = wildness.stalls && random.below(12) == 0;
        device.storage_bandwidth =
            stalls ? 0 : 100'000 + static_cast<PerSecond>(random.below(100'000'000));
    }
    if (!problem.previous) {
        problem.previous = random_placement_for(instance, ~seed);
    }
    return instance;
}

Nanoseconds predicted(const Problem& problem, const Placement& to) {
    return predict_migration(
        *problem.blocks,
        *problem.previous,
        to,
        problem.snapshot,
        problem.moved_rows(),
        problem.weights_everywhere
    );
}

/// Moves random blocks one by one. Returns whether MoveDelay of `asked` always equals the
/// prediction for `truth`.
bool agree(const Problem& asked, const Problem& truth, const Placement& start, Random& random) {
    MoveDelay delay(asked, start);
    Placement placement = start;
    for (int k = 0; k < 12; ++k) {
        if (stalled_is_never(delay.total()) != predicted(truth, placement)) {
            return false;
        }
        const auto b = static_cast<std::size_t>(random.below(placement.size()));
        placement[b] = DeviceId(static_cast<std::size_t>(random.below(truth.snapshot.size())));
        delay.set(BlockId(b), placement[b]);
    }
    return true;
}

TEST(MoveDelay, equals_the_prediction_of_the_timeline) {
    for (std::uint64_t seed = 0; seed < 600; ++seed) {
        const WildOptions wildness{.caps = seed % 3 == 0, .stalls = seed % 5 == 0};
        Instance instance = loading_instance(wildness, seed);
        Random random(stream_seed(seed, "wandering"));
        const Placement start = random_placement_for(instance, seed);
        EXPECT_TRUE(agree(instance.problem, instance.problem, start, random)) << "seed " << seed;
        instance.problem.weights_everywhere = false;
        EXPECT_TRUE(agree(instance.problem, instance.problem, start, random)) << "seed " << seed;
    }
}

TEST(MoveDelay, equals_the_prediction_with_overheads_and_media) {
    for (std::uint64_t seed = 0; seed < 300; ++seed) {
        Instance instance =
            loading_instance({.caps = seed % 3 == 0, .stalls = seed % 5 == 0}, seed);
        testing::add_device_costs(instance.problem, testing::DeviceCosts::choice(seed % 16), seed);
        Random random(stream_seed(seed, "wandering"));
        const Placement start = random_placement_for(instance, seed);
        EXPECT_TRUE(agree(instance.problem, instance.problem, start, random)) << "seed " << seed;
        instance.problem.weights_everywhere = false;
        EXPECT_TRUE(agree(instance.problem, instance.problem, start, random)) << "seed " << seed;
    }
}

TEST(MoveDelay, of_a_single_move_has_both_overheads_and_the_medium) {
    int moved = 0;
    for (std::uint64_t seed = 0; seed < 100; ++seed) {
        Instance instance = loading_instance({}, seed);
        testing::add_device_costs(instance.problem, testing::DeviceCosts::choice(seed % 16), seed);
        const Placement& previous = *instance.problem.previous;
        MoveDelay delay(instance.problem, previous);
        const BlockId b = instance.blocks->group(0, 0);
        Placement placement = previous;
        const DeviceId to((previous[b.index()].index() + 1) % instance.problem.snapshot.size());
        placement[b.index()] = to;
        EXPECT_EQ(delay.time(b, to), predicted(instance.problem, placement)) << "seed " << seed;
        EXPECT_EQ(delay.completion_with(b, to), delay.time(b, to)) << "seed " << seed;
        delay.set(b, to);
        EXPECT_EQ(delay.total(), delay.time(b, to)) << "seed " << seed;
        moved += delay.total() > 0 ? 1 : 0;
    }
    EXPECT_GT(moved, 50);
}

TEST(MoveDelay, twin_the_comparison_sees_a_slightly_slower_storage) {
    int seen = 0;
    for (std::uint64_t seed = 0; seed < 60; ++seed) {
        const Instance instance = loading_instance({}, seed);
        Problem slower = instance.problem;
        for (Snapshot::Device& device : slower.snapshot.devices) {
            device.storage_bandwidth -= device.storage_bandwidth / 100;
        }
        Random random(stream_seed(seed, "wandering"));
        const Placement start = random_placement_for(instance, seed);
        seen += agree(slower, instance.problem, start, random) ? 0 : 1;
    }
    EXPECT_GT(seen, 15) << "in all the others links take longest";
}

TEST(MoveDelay, names_the_storage_that_takes_longest) {
    int links = 0;
    int storages = 0;
    for (std::uint64_t seed = 0; seed < 100; ++seed) {
        const Instance instance = loading_instance({}, seed);
        const Placement to = random_placement_for(instance, seed);
        MoveDelay delay(instance.problem, to);
        const MoveDelay::Link slowest = delay.slowest();
        if (!slowest.to.valid()) {
            EXPECT_EQ(delay.total(), 0) << "what moves weighs nothing";
            continue;
        }
        // If all blocks on this lane return, another lane is the slowest, or there is none.
        const Nanoseconds before = delay.total();
        for (std::size_t b = 0; b < to.size(); ++b) {
            const DeviceId home = delay.previous_device(BlockId(b));
            if (to[b] == slowest.to && (!slowest.from.valid() || home == slowest.from)) {
                delay.set(BlockId(b), home);
            }
        }
        EXPECT_LE(delay.total(), before);
        const MoveDelay::Link next = delay.slowest();
        EXPECT_FALSE(next.from == slowest.from && next.to == slowest.to) << "seed " << seed;
        (slowest.from.valid() ? links : storages) += 1;
    }
    EXPECT_GT(links, 10);
    EXPECT_GT(storages, 10);
}

TEST(Policies, predict_loads_where_weights_are_everywhere) {
    for (std::uint64_t seed = 0; seed < 40; ++seed) {
        const Instance instance = loading_instance({}, seed);
        for (const PolicyKind kind : {PolicyKind::resource_aware, PolicyKind::greedy}) {
            const Decision decision = make_policy(kind)->decide(instance.problem);
            if (decision.feasible) {
                EXPECT_TRUE(validate(instance.problem, decision.placement).ok());
                EXPECT_EQ(decision.migration, predicted(instance.problem, decision.placement));
            }
        }
    }
}

} // namespace
} // namespace headroom::scheduler
