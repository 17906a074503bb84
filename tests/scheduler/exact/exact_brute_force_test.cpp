// Policy `exact` against the enumeration of all placements.
#include <cmath>

#include <gtest/gtest.h>

#include "scheduler/policies/exact.hpp"
#include "scheduler/policies/resource_aware.hpp"
#include "scheduler/timing/evaluate.hpp"
#include "tests/scheduler/exact/exact_enumeration.hpp"
#include "tests/scheduler/instances/device_costs.hpp"

namespace headroom::scheduler {
namespace {

using testing::complaint;
using testing::find_optimum;
using testing::Instance;
using testing::InstanceKind;
using testing::Optimum;
using testing::varied_small_instance;

constexpr double kMaxPlacements = 5000;

class AgainstEnumeration : public ::testing::TestWithParam<InstanceKind> {};

std::string sort_name(const ::testing::TestParamInfo<InstanceKind>& info) {
    constexpr const char* kNames[] = {
        "planted", "planted_paper", "wild", "capped", "stalled", "sliced"};
    return kNames[static_cast<std::size_t>(info.param)];
}

/// Checks the decision for a problem, and those at small limits. Returns whether it is proven.
bool check_against_enumeration(Problem problem, std::uint64_t seed) {
    const Optimum optimum = find_optimum(problem);
    const Decision decision = decide_exact(problem);
    EXPECT_EQ(complaint(problem, decision, optimum), "") << "seed " << seed;
    EXPECT_EQ(decision.feasible, optimum.feasible) << "seed " << seed;
    for (const std::int64_t limit : {1, 10, 100}) {
        problem.node_limit = limit;
        const Decision brief = decide_exact(problem);
        EXPECT_EQ(complaint(problem, brief, optimum), "") << "seed " << seed << " limit " << limit;
    }
    return decision.proven;
}

TEST_P(AgainstEnumeration, exact_is_the_optimum_and_every_bound_holds) {
    constexpr int kInstances = 60;
    int proven = 0;
    for (std::uint64_t seed = 0; seed < std::uint64_t{kInstances}; ++seed) {
        const Instance instance = varied_small_instance(GetParam(), seed, kMaxPlacements);
        proven += check_against_enumeration(instance.problem, seed) ? 1 : 0;
    }
    // With caps the tables have lower bounds of the true times, and a few proofs need more nodes.
    EXPECT_GE(proven, GetParam() == InstanceKind::capped ? kInstances - 3 : kInstances);
}

TEST_P(AgainstEnumeration, exact_is_the_optimum_with_the_costs_of_real_devices) {
    constexpr int kInstances = 60;
    int proven = 0;
    for (std::uint64_t seed = 0; seed < std::uint64_t{kInstances}; ++seed) {
        Instance instance = varied_small_instance(GetParam(), 100 + seed, kMaxPlacements);
        const auto costs = testing::DeviceCosts::choice(1 + seed % 15);
        testing::add_device_costs(instance.problem, costs, seed);
        proven += check_against_enumeration(instance.problem, seed) ? 1 : 0;
    }
    // Where the order of messages matters, the tables have lower bounds of the true times.
    EXPECT_GE(proven, kInstances - 6);
}

INSTANTIATE_TEST_SUITE_P(
    Sorts,
    AgainstEnumeration,
    ::testing::Values(
        InstanceKind::planted,
        InstanceKind::planted_paper,
        InstanceKind::wild,
        InstanceKind::capped,
        InstanceKind::stalled,
        InstanceKind::sliced
    ),
    sort_name
);

/// Returns how many of these problems resource_aware solves to the optimum, in percent.
int solved_by_resource_aware(InstanceKind kind, bool with_costs) {
    int finite = 0;
    int solved = 0;
    for (std::uint64_t seed = 0; seed < 75; ++seed) {
        Instance instance = varied_small_instance(kind, 300 + seed, kMaxPlacements);
        if (with_costs) {
            const auto costs = testing::DeviceCosts::choice(1 + seed % 15);
            testing::add_device_costs(instance.problem, costs, seed);
        }
        const Optimum optimum = find_optimum(instance.problem);
        if (optimum.feasible && std::isfinite(optimum.objective)) {
            const Decision found = decide_resource_aware(instance.problem);
            ++finite;
            const bool best = objective(instance.problem, found) <= optimum.objective * (1 + 1e-9);
            solved += best ? 1 : 0;
        }
    }
    return 100 * solved / finite;
}

TEST(ResourceAware, finds_optima_as_often_with_the_costs_of_real_devices) {
    for (const InstanceKind kind :
         {InstanceKind::planted, InstanceKind::wild, InstanceKind::capped, InstanceKind::sliced}) {
        EXPECT_GE(solved_by_resource_aware(kind, false), 97) << "kind " << static_cast<int>(kind);
        EXPECT_GE(solved_by_resource_aware(kind, true), 97) << "kind " << static_cast<int>(kind);
    }
}

/// Returns the worst placement that fits and has one block on another device.
Placement worsened(const Problem& problem, const Placement& placement) {
    Placement worst = placement;
    for (std::size_t b = 0; b < placement.size(); ++b) {
        for (std::size_t d = 0; d < problem.snapshot.size(); ++d) {
            Placement other = placement;
            other[b] = DeviceId(d);
            const Optimum only{0, true};
            const Decision decision = [&] {
                Decision made = evaluate(problem, other);
                made.bound = 0;
                return made;
            }();
            if (complaint(problem, decision, only).empty() &&
                objective(problem, other) > objective(problem, worst)) {
                worst = other;
            }
        }
    }
    return worst;
}

TEST(Complaint, is_made_about_a_wrong_bound_a_worse_placement_and_a_false_infeasibility) {
    int worse = 0;
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
        const Instance instance = varied_small_instance(InstanceKind::planted, seed, 1000);
        const Problem& problem = instance.problem;
        const Optimum optimum = find_optimum(problem);
        if (!optimum.feasible) {
            continue;
        }
        const Decision right = decide_exact(problem);
        ASSERT_EQ(complaint(problem, right, optimum), "");
        Decision wrong = right;
        wrong.bound = *right.bound * (1 + 1e-8);
        EXPECT_NE(complaint(problem, wrong, optimum), "");
        wrong.bound = *right.bound * (1 - 1e-8);
        EXPECT_NE(complaint(problem, wrong, optimum), "") << "proven, but the bound is below";
        wrong = right;
        wrong.feasible = false;
        EXPECT_NE(complaint(problem, wrong, optimum), "");
        wrong = right;
        wrong.placement = worsened(problem, right.placement);
        if (wrong.placement != right.placement) {
            ++worse;
            EXPECT_NE(complaint(problem, wrong, optimum), "");
        }
    }
    EXPECT_GT(worse, 5);
}

} // namespace
} // namespace headroom::scheduler
