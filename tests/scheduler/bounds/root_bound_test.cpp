// The root bound is never above the optimum, is near it where no constraint binds, and is the same
// each time.
#include <limits>

#include <gtest/gtest.h>

#include "scheduler/bounds/root_bound.hpp"
#include "scheduler/policies/exact.hpp"
#include "scheduler/policies/resource_aware.hpp"
#include "scheduler/timing/evaluate.hpp"
#include "tests/scheduler/bounds/bound_series.hpp"
#include "tests/scheduler/exact/enumeration.hpp"
#include "tests/scheduler/instances/device_costs.hpp"

namespace headroom::scheduler {
namespace {

using testing::Instance;
using testing::SmallInstanceSpec;

using testing::BoundSeries;
using testing::check_bound;
using testing::holds;

TEST(RootBound, is_not_above_the_enumerated_optimum) {
    for (const SmallInstanceSpec kind :
         {SmallInstanceSpec{CostProfile::physical, Granularity::paper, 2e4},
          SmallInstanceSpec{CostProfile::paper, Granularity::paper, 2e4},
          SmallInstanceSpec{CostProfile::physical, Granularity::sliced, 2e4}}) {
        BoundSeries series;
        for (std::uint64_t seed = 0; seed < 100; ++seed) {
            const Instance instance = testing::small_instance(kind, seed);
            const double optimum = testing::enumerate(instance.problem).objective;
            check_bound(instance.problem, optimum, seed, series);
        }
        EXPECT_GT(series.checked, 100);
        EXPECT_GT(series.near, 10);
        EXPECT_GT(series.caught, 10);
    }
}

TEST(RootBound, is_not_above_the_enumerated_optimum_with_overheads_and_media) {
    for (const Granularity granularity : {Granularity::paper, Granularity::sliced}) {
        BoundSeries series;
        for (std::uint64_t seed = 0; seed < 100; ++seed) {
            Instance instance =
                testing::small_instance({CostProfile::physical, granularity, 1e4}, seed);
            const auto costs = testing::DeviceCosts::choice(1 + seed % 15);
            testing::add_device_costs(instance.problem, costs, seed);
            const double optimum = testing::enumerate(instance.problem).objective;
            check_bound(instance.problem, optimum, seed, series);
        }
        EXPECT_GT(series.checked, 100);
        EXPECT_GT(series.near, 10);
        EXPECT_GT(series.caught, 10);
    }
}

TEST(RootBound, is_the_optimum_where_memory_is_plentiful_and_nothing_can_move) {
    int equal = 0;
    constexpr std::uint64_t kNumber = 40;
    for (std::uint64_t seed = 0; seed < kNumber; ++seed) {
        const CostProfile profile = seed % 2 == 0 ? CostProfile::physical : CostProfile::paper;
        Instance instance = testing::small_instance({profile, Granularity::paper, 2e4}, seed);
        instance.problem.previous.reset();
        if (seed % 4 == 2) { // rates per type and operation overheads are constants
            const auto costs = testing::DeviceCosts::choice(1 + seed % 3);
            testing::add_device_costs(instance.problem, costs, seed);
        }
        for (Snapshot::Device& device : instance.problem.snapshot.devices) {
            device.memory = Bytes{1} << 40;
        }
        const double optimum = testing::enumerate(instance.problem).objective;
        const double bound = root_bound(instance.problem)->seconds;
        EXPECT_TRUE(holds(bound, optimum));
        equal += bound > (1 - 1e-6) * optimum ? 1 : 0;
    }
    EXPECT_GE(equal, static_cast<int>(kNumber) * 9 / 10);
}

TEST(RootBound, is_not_above_what_exact_proves) {
    int proven = 0;
    for (std::uint64_t seed = 0; seed < 40; ++seed) {
        testing::InstanceShape shape = testing::cell_at(seed * 7);
        shape.layers = 1 + static_cast<std::int32_t>(seed % 3);
        shape.heads = 8;
        const CostProfile profile = seed % 4 == 0 ? CostProfile::paper : CostProfile::physical;
        if (seed % 4 == 1) {
            shape.granularity = Granularity::sliced;
        }
        Instance instance = testing::planted_instance(shape, seed, profile);
        instance.problem.node_limit = 20'000;
        const Decision decision = decide_exact(instance.problem);
        const double found = objective(instance.problem, decision);
        proven += decision.proven ? 1 : 0;
        EXPECT_TRUE(holds(root_bound(instance.problem)->seconds, found)) << "seed " << seed;
        const auto bound = root_bound(instance.problem, {.known = found});
        EXPECT_TRUE(holds(bound->seconds, found)) << "seed " << seed;
        EXPECT_GE(bound->seconds, 0.2 * found) << "seed " << seed;
    }
    EXPECT_GE(proven, 30);
}

TEST(RootBound, of_a_large_fleet_is_below_a_decision_and_the_same_each_time) {
    const Instance instance = testing::planted_instance({80, 6, 8, 1.5}, 2);
    const double found =
        objective(instance.problem, decide_resource_aware(instance.problem).placement);
    const RootBoundSettings settings{.known = found, .effort = 200'000};
    const auto first = root_bound(instance.problem, settings);
    const auto second = root_bound(instance.problem, settings);
    EXPECT_TRUE(holds(first->seconds, found));
    EXPECT_GT(first->seconds, 0.2 * found);
    EXPECT_EQ(first->seconds, second->seconds);
    EXPECT_EQ(first->iterations, second->iterations);
}

TEST(RootBound, needs_no_table_of_links) {
    Instance instance = testing::planted_instance({20, 2, 8, 1.5}, 4);
    Snapshot& snapshot = instance.problem.snapshot;
    const Snapshot::Link usual = snapshot.links[1];
    snapshot.links.assign(snapshot.links.size(), usual);
    const double expected = root_bound(instance.problem)->seconds;
    snapshot.links.clear();
    snapshot.default_link = usual;
    EXPECT_EQ(root_bound(instance.problem)->seconds, expected);
}

TEST(RootBound, is_infinite_if_a_block_fits_nowhere) {
    Instance instance = testing::planted_instance({4, 2, 8, 1.5}, 3);
    const Bytes ffn = instance.blocks->matrix_bytes(instance.blocks->ffn(0));
    for (Snapshot::Device& device : instance.problem.snapshot.devices) {
        device.memory = ffn - 1;
    }
    EXPECT_EQ(root_bound(instance.problem)->seconds, std::numeric_limits<double>::infinity());
}

TEST(RootBound, does_not_cover_rings_and_rounds) {
    Instance instance = testing::planted_instance({3, 1, 8, 3.0}, 5);
    const Blocks ring(instance.blocks->shape(), {Granularity::sliced, 8, Reduce::ring});
    Problem problem = instance.problem;
    problem.blocks = &ring;
    problem.previous.reset();
    EXPECT_FALSE(root_bound(problem));
    testing::put_in_flight(instance, 3, 1);
    EXPECT_TRUE(root_bound(instance.problem));
    instance.problem.aim = Aim::throughput;
    EXPECT_FALSE(root_bound(instance.problem));
}

} // namespace
} // namespace headroom::scheduler
