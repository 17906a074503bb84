// Policy `exact`: its proofs on the instances of docs/explanation/instances.md, its results at the
// node limit, and the bound of its relaxation.
#include <cmath>

#include <gtest/gtest.h>

#include "base/random.hpp"
#include "scheduler/core/validate.hpp"
#include "scheduler/cost/step_cost.hpp"
#include "scheduler/exact/attainable.hpp"
#include "scheduler/exact/drafts.hpp"
#include "scheduler/exact/relaxation.hpp"
#include "scheduler/explain/explanation_text.hpp"
#include "scheduler/policies/exact.hpp"
#include "scheduler/policies/resource_aware.hpp"
#include "scheduler/timing/evaluate.hpp"
#include "tests/scheduler/exact/exact_enumeration.hpp"
#include "tests/scheduler/instances/device_costs.hpp"

namespace headroom::scheduler {
namespace {

using testing::find_optimum;
using testing::Instance;
using testing::InstanceKind;
using testing::planted_instance;
using testing::varied_small_instance;

class Profiles : public ::testing::TestWithParam<CostProfile> {};

TEST_P(Profiles, two_layers_of_sixteen_heads_are_proven_within_the_limit) {
    constexpr double kFactors[] = {1.15, 1.5, 3.0};
    constexpr int kInstances = 36;
    int proven = 0;
    for (std::uint64_t seed = 0; seed < std::uint64_t{kInstances}; ++seed) {
        const auto i = static_cast<std::int32_t>(seed);
        const Instance instance = planted_instance(
            {3 + i % 3, 1 + i / 3 % 2, i % 2 == 0 ? 8 : 16, kFactors[seed / 6 % 3]},
            seed,
            GetParam()
        );
        const Decision decision = decide_exact(instance.problem);
        proven += decision.proven ? 1 : 0;
        EXPECT_TRUE(validate(instance.problem, decision.placement).ok()) << "seed " << seed;
        const Decision other = decide_resource_aware(instance.problem);
        EXPECT_LE(objective(instance.problem, decision), objective(instance.problem, other));
        EXPECT_LE(decision.evaluations, instance.problem.node_limit + 1000);
    }
    EXPECT_GE(proven, kInstances * 95 / 100);
}

TEST_P(Profiles, more_nodes_never_loosen_the_bound_nor_worsen_the_placement) {
    for (std::uint64_t seed = 0; seed < 6; ++seed) {
        Instance instance = planted_instance({5, 4, 8, 1.15}, seed, GetParam());
        double bound = 0;
        double value = std::numeric_limits<double>::infinity();
        for (const std::int64_t limit : {1, 300, 3'000, 10'000}) {
            instance.problem.node_limit = limit;
            const Decision decision = decide_exact(instance.problem);
            ASSERT_TRUE(decision.feasible && decision.bound);
            const double now = objective(instance.problem, decision);
            EXPECT_GE(*decision.bound, bound) << "seed " << seed << " limit " << limit;
            EXPECT_LE(now, value) << "seed " << seed << " limit " << limit;
            EXPECT_LE(*decision.bound, now);
            EXPECT_GT(*decision.bound, 0);
            bound = *decision.bound;
            value = now;
        }
    }
}

TEST_P(Profiles, the_same_problem_has_the_same_answer) {
    Instance instance = planted_instance({5, 4, 8, 1.15}, 3, GetParam());
    instance.problem.node_limit = 5'000;
    const Decision a = decide_exact(instance.problem);
    const Decision b = decide_exact(instance.problem);
    EXPECT_EQ(a.placement, b.placement);
    EXPECT_EQ(a.evaluations, b.evaluations);
    EXPECT_EQ(*a.bound, *b.bound);
    EXPECT_EQ(a.proven, b.proven);
}

std::string profile_name(const ::testing::TestParamInfo<CostProfile>& info) {
    return info.param == CostProfile::paper ? "paper" : "physical";
}

INSTANTIATE_TEST_SUITE_P(
    Both, Profiles, ::testing::Values(CostProfile::physical, CostProfile::paper), profile_name
);

/// Returns whether the bound at these multipliers is at most the optimum; both are in seconds.
bool holds(double bound_ns, double optimum_s) {
    return bound_ns / 1e9 <= optimum_s * (1 + 1e-12);
}

TEST(Relaxation, bounds_the_optimum_at_any_multipliers) {
    int checked = 0;
    int tight = 0;
    for (const InstanceKind kind :
         {InstanceKind::planted,
          InstanceKind::planted_paper,
          InstanceKind::wild,
          InstanceKind::capped}) {
        for (std::uint64_t seed = 1000; seed < 1040; ++seed) {
            Instance instance = varied_small_instance(kind, seed, 1000);
            const Problem& problem = instance.problem;
            if (seed >= 1020) {
                const auto costs = testing::DeviceCosts::choice(seed % 16);
                testing::add_device_costs(instance.problem, costs, seed);
            }
            const double optimum = find_optimum(problem).objective;
            if (!std::isfinite(optimum)) {
                continue;
            }
            const StepDelay step(problem);
            const exact::Tables tables(problem, step, exact::Aim::objective);
            exact::Relaxation relaxation(tables);
            exact::Domain domain = exact::whole(tables, 2e9 * optimum + 1);
            ASSERT_TRUE(exact::propagate(tables, domain));
            Random random(stream_seed(seed, "multipliers"));
            for (int k = 0; k < 30; ++k) {
                for (double& m : domain.multipliers) {
                    const bool zero = random.below(3) > 0;
                    m = zero ? 0 : random.unit() * optimum * 1e9 / static_cast<double>(1 + k);
                }
                const double bound =
                    relaxation.solve(domain, domain.multipliers, exact::kInfinite).bound;
                EXPECT_TRUE(holds(bound, optimum)) << "kind " << int(kind) << " seed " << seed;
                ++checked;
                // Twin: holds() rejects a bound that is too large by half.
                tight += holds(1.5 * bound, optimum) ? 0 : 1;
            }
        }
    }
    EXPECT_GT(checked, 1000);
    EXPECT_GT(tight, 50);
}

TEST(Relaxation, of_unlimited_memory_and_no_previous_placement_is_the_optimum_itself) {
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
        Instance instance = varied_small_instance(InstanceKind::planted, seed, 1000);
        Problem& problem = instance.problem;
        problem.previous.reset();
        // Rates per type and operation overheads are constants, so the tables have the true times.
        testing::add_device_costs(problem, testing::DeviceCosts::choice(seed % 4), seed);
        for (Snapshot::Device& device : problem.snapshot.devices) {
            device.memory = Bytes{1} << 40;
        }
        const StepDelay step(problem);
        const exact::Tables tables(problem, step, exact::Aim::objective);
        exact::Relaxation relaxation(tables);
        exact::Domain domain = exact::whole(tables, tables.worst());
        ASSERT_TRUE(exact::propagate(tables, domain));
        const exact::Relaxed& relaxed =
            relaxation.solve(domain, domain.multipliers, exact::kInfinite);
        EXPECT_DOUBLE_EQ(relaxed.bound / 1e9, find_optimum(problem).objective) << "seed " << seed;
    }
}

/// Returns a problem whose links transfer any number of bytes at once, after this latency.
Instance instance_of_instant_links(std::uint64_t seed, Nanoseconds latency) {
    Instance instance = varied_small_instance(InstanceKind::planted, seed, 1000);
    instance.problem.previous = instance.planted;
    instance.problem.weights_everywhere = false;
    for (Snapshot::Link& link : instance.problem.snapshot.links) {
        link = {kUnlimited, latency};
    }
    return instance;
}

TEST(Relaxation, counts_the_latency_of_moves_over_links_of_unlimited_bandwidth) {
    constexpr Nanoseconds kLatency = 5'000'000;
    for (const Nanoseconds latency : {kLatency, Nanoseconds{0}}) { // 0: the twin
        Instance instance = instance_of_instant_links(3, latency);
        for (Snapshot::Device& device : instance.problem.snapshot.devices) {
            device.memory = Bytes{1} << 40;
        }
        const StepDelay step(instance.problem);
        const exact::Tables tables(instance.problem, step, exact::Aim::objective);
        const exact::Item& item = tables.items().front();
        const std::size_t n = tables.devices();

        exact::Domain still = exact::whole(tables, static_cast<double>(kLatency - 1));
        ASSERT_TRUE(exact::propagate(tables, still));
        const bool free = latency == 0;
        for (std::size_t d = 0; d < n; ++d) {
            const bool allowed = free || d == item.origin;
            EXPECT_EQ(exact::reachable(tables, item, d, kLatency - 1), allowed);
            EXPECT_TRUE(allowed || still.most[d] == 0) << "the first item's units on device " << d;
        }
        // One unit has to leave its device, so D_mig is not 0.
        exact::Domain forced = exact::whole(tables, tables.worst());
        forced.least[(item.origin + 1) % n] = 1;
        ASSERT_TRUE(exact::propagate(tables, forced));
        EXPECT_EQ(forced.migration.least, static_cast<double>(latency));
    }
}

TEST(Exact, is_right_about_moves_over_links_of_unlimited_bandwidth) {
    int moved = 0;
    for (std::uint64_t seed = 0; seed < 40; ++seed) {
        Instance instance = instance_of_instant_links(seed, seed % 2 == 0 ? 1'000'000 : 40'000);
        Problem& problem = instance.problem;
        problem.snapshot.devices[seed % problem.snapshot.size()].compute /= 4;
        const Decision decision = decide_exact(problem);
        EXPECT_EQ(testing::complaint(problem, decision, find_optimum(problem)), "") << seed;
        EXPECT_TRUE(decision.proven) << seed;
        moved += decision.placement != instance.planted ? 1 : 0;
    }
    EXPECT_GE(moved, 5);
}

TEST(SubsetSums, are_exactly_the_attainable_ones) {
    exact::Sums sums(5);
    sums.add(7, 3);
    sums.add(4, 2);
    const std::vector<double> all = {5, 9, 12, 13, 16, 19, 20, 23, 26, 27, 30, 34};
    for (double x = 0; x < 40; x += 0.5) {
        double below = -1;
        double above = 99;
        for (const double s : all) {
            below = s <= x ? std::max(below, s) : below;
            above = s >= x ? std::min(above, s) : above;
        }
        EXPECT_EQ(sums.below(x, -1), below) << x;
        EXPECT_EQ(sums.above(x, 99), above) << x;
    }
    EXPECT_NE(sums.below(15, -1), 15) << "a sum that no counts make";
}

TEST(Exact, identical_devices_cost_no_search) {
    Instance one = planted_instance({5, 2, 8, 1.5}, 11);
    Problem& problem = one.problem;
    problem.previous.reset();
    for (std::size_t d = 0; d < problem.snapshot.size(); ++d) {
        problem.snapshot.devices[d] = problem.snapshot.devices[0];
        problem.snapshot.devices[d].memory = 24'000'000;
        for (std::size_t e = 0; e < problem.snapshot.size(); ++e) {
            problem.snapshot.links[d * problem.snapshot.size() + e] = problem.snapshot.links[1];
        }
    }
    const StepDelay step(problem);
    const exact::Tables tables(problem, step, exact::Aim::objective);
    EXPECT_TRUE(tables.alike(1, 4));
    EXPECT_FALSE(tables.alike(0, 1)) << "0 is the source";
    const Decision decision = decide_exact(problem);
    EXPECT_TRUE(decision.proven);
    problem.snapshot.devices[4].compute += 1;
    const exact::Tables other(problem, step, exact::Aim::objective);
    EXPECT_FALSE(other.alike(1, 4));
    EXPECT_TRUE(other.alike(1, 3));
    problem.snapshot.devices[2].message_overhead = 1;
    const exact::Tables ordered(problem, step, exact::Aim::objective);
    EXPECT_FALSE(ordered.alike(1, 3)) << "now the order of messages matters";
}

TEST(Exact, proves_infeasible_and_never_ending_problems) {
    Instance instance = planted_instance({3, 1, 8, 3.0}, 5);
    Problem& problem = instance.problem;
    problem.previous.reset();
    for (Snapshot::Device& device : problem.snapshot.devices) {
        device.compute = 0;
    }
    const Decision stalled = decide_exact(problem);
    EXPECT_TRUE(stalled.feasible && stalled.proven) << explanation_text(stalled.why);
    EXPECT_TRUE(validate(problem, stalled.placement).ok());
    EXPECT_TRUE(std::isinf(objective(problem, stalled)));

    // No device can hold the largest block, although all devices together have enough memory.
    Instance tight = planted_instance({5, 1, 8, 3.0}, 5);
    const Bytes ffn = tight.blocks->matrix_bytes(tight.blocks->ffn(0));
    tight.problem.previous.reset();
    for (Snapshot::Device& device : tight.problem.snapshot.devices) {
        device.memory = ffn - 1;
    }
    const Decision none = decide_exact(tight.problem);
    EXPECT_FALSE(none.feasible);
    EXPECT_TRUE(none.proven) << explanation_text(none.why);
    tight.problem.snapshot.devices[2].memory = ffn;
    EXPECT_TRUE(decide_exact(tight.problem).feasible) << "twin: one byte more is enough";
}

TEST(Exact, gives_no_bound_for_a_ring_all_reduce) {
    Instance instance = planted_instance({3, 1, 8, 3.0}, 5);
    ModelShape shape = instance.blocks->shape();
    const Blocks ring(shape, {Granularity::sliced, 8, Reduce::ring});
    Problem problem = instance.problem;
    problem.blocks = &ring;
    problem.previous.reset();
    const Decision decision = decide_exact(problem);
    EXPECT_FALSE(decision.proven);
    EXPECT_EQ(decision.bound.value_or(-1), 0);
}

} // namespace
} // namespace headroom::scheduler
