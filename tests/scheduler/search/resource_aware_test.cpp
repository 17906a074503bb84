// Policy resource_aware and the delays that its search uses: these are exact to the nanosecond, and
// the decisions are never worse than simple ones and near the optimum where it can be enumerated.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <iostream>
#include <limits>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/random.hpp"
#include "scheduler/core/validate.hpp"
#include "scheduler/cost/incumbent.hpp"
#include "scheduler/cost/step_cost.hpp"
#include "scheduler/explain/explanation_text.hpp"
#include "scheduler/policies/registry.hpp"
#include "scheduler/search/device_subset.hpp"
#include "scheduler/timing/evaluate.hpp"
#include "scheduler/timing/timeline.hpp"
#include "tests/scheduler/cost/stalls.hpp"
#include "tests/scheduler/instances/instances.hpp"

namespace headroom::scheduler {
namespace {

using testing::decision_of;
using testing::Instance;
using testing::planted_instance;
using testing::random_cell;
using testing::random_placement_for;
using testing::wild_instance;
using testing::WildOptions;

#ifdef NDEBUG
constexpr std::uint64_t kSearchScale = 1;
#else
constexpr std::uint64_t kSearchScale =
    10; // unoptimised and sanitised, a search takes forty times as long
#endif

/// Returns how the numbers of a incumbent differ from those of the timeline; empty if they are
/// equal.
std::string difference(const Instance& instance, Incumbent& incumbent) {
    const Problem& problem = instance.problem;
    const Decision exact = evaluate(problem, incumbent.placement());
    const Nanoseconds inference = stalled_is_never(incumbent.inference());
    const Nanoseconds migration = stalled_is_never(incumbent.migration());
    if (inference != exact.inference) {
        return fmt::format("D_inf {} instead of {}", inference, exact.inference);
    }
    if (migration != exact.migration) {
        return fmt::format("D_mig {} instead of {}", migration, exact.migration);
    }
    if (validate(problem, incumbent.placement()).ok() != (incumbent.score().shortage == 0)) {
        return fmt::format("shortage {}", incumbent.score().shortage);
    }
    return "";
}

std::vector<Relocation> random_changes(const Instance& instance, Random& random) {
    std::vector<Relocation> changes;
    const std::uint64_t count = 1 + random.below(6);
    for (std::uint64_t k = 0; k < count; ++k) {
        const auto b = static_cast<std::size_t>(random.below(instance.blocks->size()));
        const auto d = static_cast<std::size_t>(random.below(instance.problem.snapshot.size()));
        changes.push_back({BlockId(b), DeviceId(d)});
    }
    return changes;
}

/// Returns whether the matrices of all slices of a layer have equal bytes.
bool equal_slices(const Blocks& blocks) {
    for (std::int32_t l = 0; l < blocks.shape().layers; ++l) {
        for (std::int32_t i = 1; i < blocks.slices(); ++i) {
            if (blocks.matrix_bytes(blocks.slice(l, i)) !=
                blocks.matrix_bytes(blocks.slice(l, 0))) {
                return false;
            }
        }
    }
    return true;
}

void walk_drafts(const WildOptions& wildness, std::uint64_t seeds) {
    std::uint64_t left_out = 0;
    for (std::uint64_t seed = 0; seed < seeds / kSearchScale; ++seed) {
        const Instance instance = wild_instance(wildness, seed);
        if (!equal_slices(*instance.blocks)) {
            ++left_out;
            continue;
        }
        const StepDelay step(instance.problem);
        Incumbent incumbent(instance.problem, step, random_placement_for(instance, seed + 1));
        ASSERT_EQ(difference(instance, incumbent), "") << "seed " << seed << ", at the start";
        Random random(stream_seed(seed, "changes"));
        for (int k = 0; k < 6; ++k) {
            const Placement before = incumbent.placement();
            incumbent.attempt(random_changes(instance, random));
            ASSERT_EQ(difference(instance, incumbent), "") << "seed " << seed << ", change " << k;
            if (k % 2 == 0) {
                incumbent.undo();
                ASSERT_EQ(incumbent.placement(), before);
                ASSERT_EQ(difference(instance, incumbent), "") << "seed " << seed << ", undo " << k;
            }
        }
    }
    EXPECT_LE(left_out, seeds / kSearchScale / 2);
}

TEST(Incumbent, equals_the_timeline_to_the_nanosecond) {
    walk_drafts({}, 1500);
}

TEST(Incumbent, equals_the_timeline_with_egress_and_ingress_caps) {
    walk_drafts({.caps = true, .stalls = false}, 1500);
}

TEST(Incumbent, equals_the_timeline_when_rates_are_zero) {
    walk_drafts({.caps = false, .stalls = true}, 700);
    walk_drafts({.caps = true, .stalls = true}, 700);
}

TEST(Incumbent, equals_the_timeline_of_sliced_layers) {
    walk_drafts({.caps = false, .stalls = false, .sliced = true}, 1000);
    walk_drafts({.caps = true, .stalls = false, .sliced = true}, 1000);
    walk_drafts({.caps = true, .stalls = true, .sliced = true}, 500);
}

TEST(Incumbent, equals_the_timeline_without_tables_of_pairs) {
    for (const Granularity granularity : {Granularity::paper, Granularity::sliced}) {
        testing::InstanceShape shape{.devices = 70, .layers = 2, .heads = 8, .memory_factor = 1.5};
        shape.granularity = granularity;
        for (std::uint64_t seed = 0; seed < 12 / kSearchScale; ++seed) {
            const Instance instance = planted_instance(shape, seed);
            const StepDelay step(instance.problem);
            Incumbent incumbent(instance.problem, step, random_placement_for(instance, seed));
            Random random(stream_seed(seed, "changes"));
            for (int k = 0; k < 6; ++k) {
                ASSERT_EQ(difference(instance, incumbent), "")
                    << "seed " << seed << ", change " << k;
                incumbent.attempt(random_changes(instance, random));
            }
        }
    }
}

TEST(Incumbent, comparison_sees_a_single_changed_rate) {
    // Twin: the comparison finds a slightly slower device.
    int seen = 0;
    for (std::uint64_t seed = 0; seed < 50; ++seed) {
        Instance instance = wild_instance({}, seed);
        Problem slower = instance.problem;
        for (Snapshot::Device& device : slower.snapshot.devices) {
            device.compute -= device.compute / 1000;
            device.memory_bandwidth -= device.memory_bandwidth / 1000;
        }
        const StepDelay step(slower);
        Incumbent incumbent(instance.problem, step, instance.planted);
        seen += difference(instance, incumbent).empty() ? 0 : 1;
    }
    EXPECT_GT(seen, 45);
}

TEST(ResourceAware, is_never_worse_than_simple_answers) {
    for (std::uint64_t seed = 0; seed < 100 / kSearchScale; ++seed) {
        const Instance instance = planted_instance(random_cell(seed), seed);
        const Problem& problem = instance.problem;
        const Decision ours = decision_of(PolicyKind::resource_aware, problem);
        ASSERT_TRUE(ours.feasible) << "seed " << seed << ": " << explanation_text(ours.why);
        ASSERT_TRUE(validate(problem, ours.placement).ok()) << "seed " << seed;
        const double cost = objective(problem, ours);
        for (const PolicyKind other : {PolicyKind::greedy, PolicyKind::round_robin}) {
            const Decision theirs = decision_of(other, problem);
            EXPECT_TRUE(!theirs.feasible || cost <= objective(problem, theirs)) << "seed " << seed;
        }
        for (std::size_t d = 0; d < problem.snapshot.size(); ++d) {
            const Placement single(instance.blocks->size(), DeviceId(d));
            if (validate(problem, single).ok()) {
                EXPECT_LE(cost, objective(problem, single));
            }
        }
        EXPECT_LE(cost, objective(problem, instance.planted));
        if (problem.previous && validate(problem, *problem.previous).ok()) {
            EXPECT_LE(cost, objective(problem, *problem.previous));
        }
    }
}

TEST(ResourceAware, is_within_5_percent_of_the_optimum_on_tiny_instances_and_never_below) {
    double sum = 0.0;
    double worst = 1.0;
    int count = 0;
    int optimal = 0;
    for (std::uint64_t seed = 0; seed < 120 / kSearchScale; ++seed) {
        Random random(stream_seed(seed, "tiny"));
        testing::InstanceShape cell = random_cell(seed);
        cell.devices = 2 + static_cast<std::int32_t>(random.below(2));
        cell.layers = 1;
        cell.heads = 2 + static_cast<std::int32_t>(random.below(3));
        const Instance instance = planted_instance(cell, seed);
        const Decision ours = decision_of(PolicyKind::resource_aware, instance.problem);
        ASSERT_TRUE(ours.feasible) << "seed " << seed << ": " << explanation_text(ours.why);
        const double best = testing::optimum(instance.problem);
        const double cost = objective(instance.problem, ours);
        // No decision can be better than the enumerated optimum.
        ASSERT_GE(cost, best) << "seed " << seed;
        const double ratio = cost / best;
        sum += ratio;
        worst = std::max(worst, ratio);
        ++count;
        optimal += cost == best ? 1 : 0;
    }
    std::cout << "mean ratio to the optimum " << sum / count << ", worst " << worst << ", optimal "
              << optimal << " of " << count << '\n';
    EXPECT_LE(sum / count, 1.05);
}

TEST(ResourceAware, finds_the_optimum_of_tiny_models_with_ends_and_buffers) {
    int count = 0;
    int optimal = 0;
    double sum = 0.0;
    for (std::uint64_t seed = 0; seed < 400 / kSearchScale; ++seed) {
        const Instance instance = wild_instance({.caps = seed % 2 == 1, .stalls = false}, seed);
        double placements = 1.0;
        for (std::size_t b = 0; b < instance.blocks->size(); ++b) {
            placements *= static_cast<double>(instance.problem.snapshot.size());
        }
        if (placements > 2500.0) {
            continue;
        }
        const Decision ours = decision_of(PolicyKind::resource_aware, instance.problem);
        ASSERT_TRUE(ours.feasible) << "seed " << seed << ": " << explanation_text(ours.why);
        const double best = testing::optimum(instance.problem);
        const double cost = objective(instance.problem, ours);
        ASSERT_GE(cost, best) << "seed " << seed;
        // Both are 0 if nothing is limited, and both are never if something does not end.
        sum += cost == best ? 1.0 : cost / best;
        ++count;
        optimal += cost == best ? 1 : 0;
    }
    std::cout << "mean ratio to the optimum " << sum / count << ", optimal " << optimal << " of "
              << count << '\n';
    EXPECT_GT(count, static_cast<int>(40 / kSearchScale));
    EXPECT_LE(sum / count, 1.05);
}

/// Returns a problem with one layer of four groups and two devices, each with memory for all
/// blocks.
Instance pair_of_devices(PerSecond first, PerSecond second, PerSecond link, Nanoseconds latency) {
    Instance instance =
        planted_instance({.devices = 3, .layers = 1, .heads = 4, .memory_factor = 3.0}, 1);
    Problem& problem = instance.problem;
    problem.snapshot.devices.resize(2);
    problem.snapshot.devices[0].compute = first;
    problem.snapshot.devices[1].compute = second;
    for (Snapshot::Device& device : problem.snapshot.devices) {
        device.memory = Bytes{1} << 40;
    }
    problem.snapshot.links.assign(4, {link, latency});
    problem.previous = Placement(instance.blocks->size(), DeviceId(0));
    return instance;
}

TEST(ResourceAware, keeps_everything_when_one_token_cannot_pay_for_a_slow_link) {
    Instance instance = pair_of_devices(1'000'000'000, 20'000'000'000, 1'000'000, 1000);
    instance.problem.interval = 1;
    const Decision decision = decision_of(PolicyKind::resource_aware, instance.problem);
    EXPECT_EQ(decision.placement, *instance.problem.previous);
    EXPECT_EQ(decision.migration, 0);
    EXPECT_EQ(explanation_text(decision.why).rfind("kept: ", 0), 0U)
        << explanation_text(decision.why);
    // The same with a thousand tokens to earn it back moves.
    instance.problem.interval = 100'000;
    const Decision patient = decision_of(PolicyKind::resource_aware, instance.problem);
    EXPECT_NE(patient.placement, *instance.problem.previous);
    EXPECT_EQ(explanation_text(patient.why).rfind("moved ", 0), 0U)
        << explanation_text(patient.why);
}

TEST(ResourceAware, looks_ahead_and_takes_less_time_over_all_tokens_than_deciding_myopically) {
    Instance instance = pair_of_devices(1'000'000'000, 20'000'000'000, 20'000'000, 1000);
    Problem& problem = instance.problem;
    problem.interval = 1;
    constexpr std::int64_t kTokens = 2000; // still to come, in a fleet that does not change
    const Decision myopic = decision_of(PolicyKind::resource_aware, problem);
    EXPECT_EQ(myopic.placement, *problem.previous) << explanation_text(myopic.why);
    problem.look_ahead = kTokens;
    const Decision patient = decision_of(PolicyKind::resource_aware, problem);
    EXPECT_NE(patient.placement, *problem.previous);
    EXPECT_EQ(explanation_text(patient.why).rfind("moved ", 0), 0U)
        << explanation_text(patient.why);
    EXPECT_GT(patient.migration, 0);
    const auto total = [](const Decision& d) { return d.migration + kTokens * d.inference; };
    EXPECT_LT(total(patient), total(myopic));
    // Twin: if hardly any token is left, looking ahead changes nothing.
    problem.look_ahead = 2;
    EXPECT_EQ(decision_of(PolicyKind::resource_aware, problem).placement, *problem.previous);
}

TEST(ResourceAware, leaves_a_device_whose_compute_collapses) {
    for (const PerSecond left : {PerSecond{10'000'000}, PerSecond{0}}) {
        Instance instance = pair_of_devices(left, 5'000'000'000, 125'000'000, 1'000'000);
        instance.problem.interval = 16;
        const Decision decision = decision_of(PolicyKind::resource_aware, instance.problem);
        EXPECT_EQ(std::count(decision.placement.begin(), decision.placement.end(), DeviceId(0)), 0)
            << explanation_text(decision.why);
        EXPECT_LT(decision.inference, kNever);
    }
}

TEST(ResourceAware, keeps_the_previous_placement_when_all_rates_are_zero) {
    const Instance instance = pair_of_devices(0, 0, 1'000'000, 1000);
    const Decision decision = decision_of(PolicyKind::resource_aware, instance.problem);
    EXPECT_TRUE(decision.feasible);
    EXPECT_EQ(decision.placement, *instance.problem.previous);
    EXPECT_EQ(decision.inference, kNever);
}

TEST(ResourceAware, moves_when_memory_shrinks_below_what_a_device_holds) {
    Instance instance = pair_of_devices(5'000'000'000, 5'000'000'000, 1'000'000, 1000);
    instance.problem.interval = 1;
    Bytes need = 0;
    for (std::size_t b = 0; b < instance.blocks->size(); ++b) {
        need += instance.blocks->resident_bytes(
            BlockId(b), instance.problem.horizon(), *instance.problem.previous
        );
    }
    instance.problem.snapshot.devices[0].memory = need - 1;
    const Decision decision = decision_of(PolicyKind::resource_aware, instance.problem);
    ASSERT_TRUE(decision.feasible);
    EXPECT_TRUE(validate(instance.problem, decision.placement).ok());
    // Moving one block suffices, and the cheapest such block is a group or proj.
    EXPECT_EQ(std::count(decision.placement.begin(), decision.placement.end(), DeviceId(1)), 1);
    EXPECT_NE(explanation_text(decision.why).find("because device 0 lacks 1 B"), std::string::npos)
        << explanation_text(decision.why);
}

TEST(ResourceAware, decides_the_same_twice_and_counts_its_work) {
    for (std::uint64_t seed = 0; seed < 5; ++seed) {
        const Instance instance = wild_instance({.caps = seed % 2 == 1, .stalls = false}, seed);
        const Decision a = decision_of(PolicyKind::resource_aware, instance.problem);
        const Decision b = decision_of(PolicyKind::resource_aware, instance.problem);
        EXPECT_EQ(a.placement, b.placement);
        EXPECT_EQ(a.evaluations, b.evaluations);
        EXPECT_EQ(explanation_text(a.why), explanation_text(b.why));
        EXPECT_GT(a.evaluations, 0);
    }
}

TEST(ResourceAware, stays_within_its_limit_of_work) {
    double total_ms = 0.0;
    double worst_ms = 0.0;
    constexpr std::uint64_t kRuns = 10 / kSearchScale;
    for (std::uint64_t seed = 0; seed < kRuns; ++seed) {
        const Instance instance =
            planted_instance({.devices = 5, .layers = 4, .heads = 8, .memory_factor = 1.5}, seed);
        const auto begin = std::chrono::steady_clock::now();
        const Decision decision = decision_of(PolicyKind::resource_aware, instance.problem);
        const std::chrono::duration<double, std::milli> took =
            std::chrono::steady_clock::now() - begin;
        EXPECT_TRUE(decision.feasible);
        EXPECT_LE(decision.evaluations, 121'000); // 120 000, and what the last attempt went over
        total_ms += took.count();
        worst_ms = std::max(worst_ms, took.count());
    }
    // The time is only reported, because it depends on the machine and on other processes.
    std::cout << "mean decision " << total_ms / static_cast<double>(kRuns) << " ms, worst "
              << worst_ms << " ms\n";
}

TEST(ResourceAware, considers_a_subset_of_many_devices) {
    Instance instance =
        planted_instance({.devices = 200, .layers = 2, .heads = 8, .memory_factor = 3.0}, 3);
    instance.problem.previous.reset();
    const Decision decision = decision_of(PolicyKind::resource_aware, instance.problem);
    ASSERT_TRUE(decision.feasible) << explanation_text(decision.why);
    EXPECT_TRUE(validate(instance.problem, decision.placement).ok());
    // A previous placement over more devices than a search looks at is still a candidate.
    instance.problem.previous = instance.planted;
    instance.problem.interval = 1;
    const Decision next = decision_of(PolicyKind::resource_aware, instance.problem);
    ASSERT_TRUE(next.feasible);
    EXPECT_LE(objective(instance.problem, next), objective(instance.problem, instance.planted));
}

TEST(DeviceSubset, of_a_small_fleet_is_the_fleet) {
    const Instance instance = planted_instance({}, 4);
    const Focus same = focus(instance.problem, 32);
    EXPECT_EQ(same.problem.snapshot.size(), 3U);
    EXPECT_EQ(same.widen(instance.planted), instance.planted);
}

} // namespace
} // namespace headroom::scheduler
