// Properties of policy resource_aware and of the simple policies over many seeds: both
// granularities, memory without any slack, proven optima, large fleets.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iostream>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/random.hpp"
#include "scheduler/construct/chain_planner.hpp"
#include "scheduler/construct/count_packing.hpp"
#include "scheduler/construct/packing.hpp"
#include "scheduler/core/validate.hpp"
#include "scheduler/cost/memory_ledger.hpp"
#include "scheduler/cost/migration_cost.hpp"
#include "scheduler/cost/step_cost.hpp"
#include "scheduler/explain/explanation_text.hpp"
#include "scheduler/policies/registry.hpp"
#include "scheduler/timing/evaluate.hpp"
#include "tests/scheduler/instances/instances.hpp"

namespace headroom::scheduler {
namespace {

using testing::cell_at;
using testing::decision_of;
using testing::Instance;
using testing::InstanceShape;
using testing::planted_instance;
using testing::wild_instance;

#ifdef NDEBUG
constexpr std::uint64_t kAwareScale = 1;
#else
constexpr std::uint64_t kAwareScale = 10;
#endif

constexpr PolicyKind kPlain[] = {
    PolicyKind::resource_aware,
    PolicyKind::greedy,
    PolicyKind::round_robin,
    PolicyKind::static_first};

TEST(Sliced, every_plain_policy_places_what_fits_and_validate_agrees) {
    for (std::uint64_t seed = 0; seed < 24 / kAwareScale; ++seed) {
        InstanceShape shape = cell_at(seed * 7);
        shape.granularity = Granularity::sliced;
        Instance instance = planted_instance(shape, seed);
        Problem& problem = instance.problem;
        problem.previous.reset();
        const double ours = objective(problem, decision_of(PolicyKind::resource_aware, problem));
        EXPECT_LE(ours, objective(problem, instance.planted)) << "seed " << seed;
        for (const PolicyKind kind : kPlain) {
            const Decision decision = decision_of(kind, problem);
            ASSERT_TRUE(decision.feasible)
                << name_of(kind) << ", seed " << seed << ": " << explanation_text(decision.why);
            EXPECT_TRUE(validate(problem, decision.placement).ok())
                << name_of(kind) << ", seed " << seed;
            EXPECT_LE(ours, objective(problem, decision)) << name_of(kind) << ", seed " << seed;
        }
    }
}

TEST(Sliced, wild_models_are_placed_too) {
    for (std::uint64_t seed = 0; seed < 40 / kAwareScale; ++seed) {
        const Instance instance =
            wild_instance({.caps = seed % 3 == 0, .stalls = false, .sliced = true}, seed);
        const Decision decision = decision_of(PolicyKind::resource_aware, instance.problem);
        ASSERT_TRUE(decision.feasible) << "seed " << seed << ": " << explanation_text(decision.why);
        EXPECT_TRUE(validate(instance.problem, decision.placement).ok()) << "seed " << seed;
        EXPECT_LE(
            objective(instance.problem, decision), objective(instance.problem, instance.planted)
        ) << "seed "
          << seed;
    }
}

TEST(Sliced, policy_paper_reports_that_it_needs_granularity_paper) {
    InstanceShape shape;
    shape.granularity = Granularity::sliced;
    const Decision decision = decision_of(PolicyKind::paper, planted_instance(shape, 1).problem);
    EXPECT_FALSE(decision.feasible);
    EXPECT_THAT(explanation_text(decision.why), ::testing::HasSubstr("controller.granularity"));
}

/// A tiny instance whose placements can be enumerated.
Instance tiny(Granularity granularity, std::uint64_t seed) {
    Random random(stream_seed(seed, "tiny"));
    InstanceShape shape = cell_at(seed);
    shape.devices = 2 + static_cast<std::int32_t>(random.below(2));
    shape.layers = 1;
    shape.heads = 2 + static_cast<std::int32_t>(random.below(2));
    shape.granularity = granularity;
    shape.slices = 2;
    return planted_instance(shape, seed);
}

TEST(ResourceAware, is_within_2_percent_of_enumerated_optima_on_average_in_both_granularities) {
    for (const Granularity granularity : {Granularity::paper, Granularity::sliced}) {
        double sum = 0.0;
        double worst = 1.0;
        int count = 0;
        for (std::uint64_t seed = 0; seed < 40 / kAwareScale; ++seed) {
            const Instance instance = tiny(granularity, seed);
            const Decision ours = decision_of(PolicyKind::resource_aware, instance.problem);
            ASSERT_TRUE(ours.feasible) << "seed " << seed << ": " << explanation_text(ours.why);
            const double best = testing::optimum(instance.problem);
            const double ratio = objective(instance.problem, ours) / best;
            ASSERT_GE(ratio, 1.0) << "seed " << seed; // nothing is better than an optimum
            worst = std::max(worst, ratio);
            sum += ratio;
            ++count;
        }
        std::cout << name_of(granularity) << ": mean ratio to the optimum " << sum / count
                  << ", worst " << worst << '\n';
        EXPECT_LE(sum / count, 1.02);
        EXPECT_LE(worst, 1.15);
    }
}

struct Kind {
    Granularity granularity = Granularity::paper;
    CostProfile profile = CostProfile::physical;
};

constexpr Kind kKinds[] = {
    {Granularity::paper, CostProfile::physical},
    {Granularity::paper, CostProfile::paper},
    {Granularity::sliced, CostProfile::physical}};

TEST(ResourceAware, finds_a_placement_where_memory_has_no_slack_at_all) {
    for (const Kind& kind : kKinds) {
        for (std::uint64_t seed = 0; seed < 27 / kAwareScale; ++seed) {
            InstanceShape shape = cell_at(3 * seed);
            shape.memory_factor = 1.0;
            shape.granularity = kind.granularity;
            const Instance instance = planted_instance(shape, seed, kind.profile);
            const Decision decision = decision_of(PolicyKind::resource_aware, instance.problem);
            ASSERT_TRUE(decision.feasible)
                << "seed " << seed << ": " << explanation_text(decision.why);
            EXPECT_TRUE(validate(instance.problem, decision.placement).ok()) << "seed " << seed;
        }
    }
}

TEST(CountPacking, finds_what_fits_exactly_and_nothing_where_a_byte_is_missing) {
    for (std::uint64_t seed = 0; seed < 54; ++seed) {
        InstanceShape shape = cell_at(seed);
        shape.memory_factor = 1.0;
        Instance instance = planted_instance(shape, seed);
        const Placement placement = pack_by_counts(instance.problem);
        ASSERT_FALSE(placement.empty()) << "seed " << seed;
        EXPECT_EQ(Ledger(instance.problem, placement).shortage(), 0) << "seed " << seed;
        // Negative twin: one byte less than all blocks need in all.
        Bytes total = 0;
        for (const Snapshot::Device& device : instance.problem.snapshot.devices) {
            total += device.memory;
        }
        Bytes too_much = total - min_total_bytes(instance.problem) + 1;
        for (Snapshot::Device& device : instance.problem.snapshot.devices) {
            const Bytes taken = std::min(device.memory, too_much);
            device.memory -= taken;
            too_much -= taken;
        }
        EXPECT_TRUE(pack_by_counts(instance.problem).empty()) << "seed " << seed;
    }
}

TEST(ResourceAware, decides_for_large_fleets_with_little_counted_work) {
    for (const Granularity granularity : {Granularity::paper, Granularity::sliced}) {
        InstanceShape shape{.devices = 300, .layers = 20, .heads = 16, .memory_factor = 1.5};
        shape.granularity = granularity;
        shape.slices = 16;
        Instance instance = planted_instance(shape, 7);
        Problem& problem = instance.problem;
        for (const bool moved : {false, true}) {
            problem.previous = moved ? std::optional<Placement>(instance.planted) : std::nullopt;
            const Decision decision = decision_of(PolicyKind::resource_aware, problem);
            ASSERT_TRUE(decision.feasible) << explanation_text(decision.why);
            EXPECT_TRUE(validate(problem, decision.placement).ok());
            EXPECT_LE(objective(problem, decision), objective(problem, instance.planted));
            EXPECT_LE(decision.evaluations, 7'000); // 6 000, and what the last attempt took
            EXPECT_EQ(
                decision.placement, decision_of(PolicyKind::resource_aware, problem).placement
            );
        }
    }
}

/// The cache changes no result, whatever the limits, and whether they can be met or not.
TEST(Spreads, equal_those_computed_without_a_cache) {
    for (std::uint64_t seed = 0; seed < 40; ++seed) {
        InstanceShape shape = cell_at(seed * 5);
        shape.granularity = seed % 2 == 0 ? Granularity::paper : Granularity::sliced;
        const Instance instance = planted_instance(shape, seed);
        const Problem& problem = instance.problem;
        const StepDelay step(problem);
        Spreads spreads(problem, step);
        Random random(seed);
        for (int k = 0; k < 40; ++k) {
            const std::size_t holder = random.below(step.devices());
            const std::size_t target = random.below(step.devices());
            const std::size_t last = problem.blocks->shape().layer_types.size() - 1;
            const Gathering gathering{random.below(2) == 0 ? 0 : last, holder, target};
            const std::int32_t n = problem.blocks->groups();
            std::vector<std::int32_t> caps;
            for (std::size_t d = 0; d < step.devices(); ++d) {
                caps.push_back(static_cast<std::int32_t>(random.below(static_cast<std::uint64_t>(n))
                ));
            }
            EXPECT_EQ(spreads.within(gathering, caps), spread_units(step, gathering, caps, n))
                << "seed " << seed;
        }
    }
}

/// D_mig after moving one block equals the value that was predicted before the move.
TEST(MoveDelay, predicts_its_value_after_one_more_move) {
    for (std::uint64_t seed = 0; seed < 40; ++seed) {
        Instance instance = wild_instance({.caps = false, .stalls = false}, seed);
        Problem& problem = instance.problem;
        problem.previous = instance.planted;
        problem.weights_everywhere = seed % 3 == 0;
        Random random(seed);
        MoveDelay delay(problem, instance.planted);
        for (int k = 0; k < 20; ++k) {
            const std::int32_t layer =
                static_cast<std::int32_t>(random.below(problem.blocks->shape().layer_types.size()));
            const BlockId block = problem.blocks->group(layer, 0);
            const DeviceId to(random.below(problem.snapshot.size()));
            delay.set(block, delay.previous_device(block));
            const Nanoseconds said = std::max(delay.total(), delay.completion_with(block, to));
            delay.set(block, to);
            EXPECT_EQ(delay.total(), said) << "seed " << seed;
        }
    }
}

/// At λ = 1 a migration must pay within one token. With plenty of memory some migrations do.
TEST(ResourceAware, leaves_a_scattered_placement_even_for_a_single_token) {
    int moved = 0;
    for (std::uint64_t seed = 0; seed < 6; ++seed) {
        InstanceShape shape{.devices = 16, .layers = 20, .heads = 16, .memory_factor = 3.0};
        Instance instance = planted_instance(shape, seed);
        Problem& problem = instance.problem;
        problem.previous = instance.planted;
        problem.interval = 1;
        const Decision decision = decision_of(PolicyKind::resource_aware, problem);
        ASSERT_TRUE(decision.feasible) << explanation_text(decision.why);
        const double kept = objective(problem, instance.planted);
        EXPECT_LE(objective(problem, decision), kept);
        moved += objective(problem, decision) < 0.9 * kept ? 1 : 0;
    }
    EXPECT_GE(moved, 4);
}

/// No device can hold an ffn and other blocks, so room must be kept for the ffns of later layers.
TEST(ResourceAware, keeps_room_for_the_large_blocks_of_later_layers) {
    InstanceShape shape{.devices = 120, .layers = 24, .heads = 16, .memory_factor = 1.0};
    for (std::uint64_t seed = 0; seed < 4; ++seed) {
        const Instance instance = planted_instance(shape, seed);
        const Decision decision = decision_of(PolicyKind::resource_aware, instance.problem);
        ASSERT_TRUE(decision.feasible) << "seed " << seed << ": " << explanation_text(decision.why);
        EXPECT_TRUE(validate(instance.problem, decision.placement).ok());
    }
}

} // namespace
} // namespace headroom::scheduler
