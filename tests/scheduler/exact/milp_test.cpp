// Policy `exact` under cost profile `paper` agrees with a solver for mixed-integer programs on
// instances that are too large to enumerate. The program itself agrees with the enumeration.
#include <cmath>
#include <cstdint>

#include <gtest/gtest.h>

#include "base/random.hpp"
#include "scheduler/policies/registry.hpp"
#include "scheduler/timing/evaluate.hpp"
#include "tests/scheduler/exact/enumeration.hpp"
#include "tests/scheduler/exact/milp.hpp"

namespace headroom::scheduler {
namespace {

using testing::Instance;
using testing::milp_optimum;
using testing::MilpMistake;

/// GLPK stops at a gap of 1e-7; the rest is the rounding of its feasibility.
constexpr double kTolerance = 1e-6;
#ifdef NDEBUG
constexpr std::uint64_t kProgramCount = 54; // every combination once
#else
constexpr std::uint64_t kProgramCount = 12;
#endif
constexpr bool kAllPrograms = kProgramCount == 54; // fewer may not contain the rare cases

TEST(Milp, has_the_enumerated_optimum_of_small_instances) {
    int infeasible = 0;
    for (std::uint64_t seed = 0; seed < 60; ++seed) {
        const Instance instance = testing::small_instance({.profile = CostProfile::paper}, seed);
        const auto found = milp_optimum(instance.problem);
        const testing::EnumerationResult expected = testing::enumerate(instance.problem);
        ASSERT_EQ(found.has_value(), expected.feasible > 0) << "seed " << seed;
        infeasible += found ? 0 : 1;
        if (found) {
            EXPECT_NEAR(*found, expected.objective, kTolerance * expected.objective)
                << "seed " << seed;
        }
    }
    EXPECT_GT(infeasible, 0);
}

/// Returns an instance with 3 to 5 devices, 1 or 2 layers, 8 to 32 heads and any memory factor. The
/// T_budget of the generator is hardly ever binding, so a third of the instances has a smaller one,
/// which is sometimes too small.
Instance middling_instance(std::uint64_t seed) {
    testing::InstanceShape shape = testing::cell_at(seed);
    shape.layers = 1 + static_cast<std::int32_t>(seed % 2);
    shape.heads = 8 << seed / 2 % 3;
    Instance instance = testing::planted_instance(shape, seed, CostProfile::paper);
    Random random(stream_seed(seed, "budget"));
    if (random.below(3) == 0) {
        instance.problem.t_budget_s *= 0.2 + 0.5 * random.unit();
    }
    return instance;
}

TEST(Milp, is_a_lower_bound_of_other_policies) {
    int infeasible = 0;
    for (std::uint64_t seed = 0; seed < kProgramCount; ++seed) {
        const Instance instance = middling_instance(seed);
        const auto least = milp_optimum(instance.problem);
        infeasible += least ? 0 : 1;
        for (const PolicyKind kind : {PolicyKind::resource_aware, PolicyKind::paper}) {
            const Decision decision = make_policy(kind)->decide(instance.problem);
            if (decision.feasible) {
                ASSERT_TRUE(least) << name_of(kind) << ", seed " << seed;
                EXPECT_GE(objective(instance.problem, decision), (1.0 - kTolerance) * *least)
                    << name_of(kind) << ", seed " << seed;
            }
        }
    }
    EXPECT_TRUE(infeasible > 0 || !kAllPrograms);
    EXPECT_LT(infeasible, static_cast<int>(kProgramCount) / 3);
}

TEST(Exact, proves_the_milp_optimum_and_has_no_bound_above_it) {
    int proven = 0;
    for (std::uint64_t seed = 0; seed < kProgramCount; ++seed) {
        Instance instance = middling_instance(seed);
        instance.problem.node_limit = 20'000; // keeps the test short
        const auto least = milp_optimum(instance.problem);
        const Decision decision = make_policy(PolicyKind::exact)->decide(instance.problem);
        proven += decision.proven ? 1 : 0;
        ASSERT_EQ(decision.feasible, least.has_value()) << "seed " << seed;
        if (!least) {
            continue;
        }
        const double cost = objective(instance.problem, decision);
        EXPECT_GE(cost, (1.0 - kTolerance) * *least) << "seed " << seed;
        EXPECT_LE(decision.bound.value_or(0.0), (1.0 + kTolerance) * *least) << "seed " << seed;
        if (decision.proven) {
            EXPECT_LE(cost, (1.0 + kTolerance) * *least) << "seed " << seed;
        }
    }
    EXPECT_GE(5 * proven, 4 * static_cast<int>(kProgramCount));
}

/// Twin: if one coefficient is wrong by a hundredth, the optimum of some instance changes. So the
/// tests above find a mistake in a formula.
TEST(Milp, with_a_wrong_coefficient_is_noticed) {
    using Where = MilpMistake::Where;
    for (const Where where :
         {Where::head_compute,
          Where::gather,
          Where::proj_to_ffn,
          Where::migration,
          Where::memory,
          Where::budget}) {
        int noticed = 0;
        for (std::uint64_t seed = 0; seed < kProgramCount && noticed == 0; ++seed) {
            const Instance instance = middling_instance(seed);
            const auto right = milp_optimum(instance.problem);
            const auto wrong = milp_optimum(instance.problem, {where, 1.01});
            const bool both = right && wrong;
            noticed += right.has_value() != wrong.has_value() ||
                               (both && std::abs(*wrong - *right) > 10 * kTolerance * *right)
                           ? 1
                           : 0;
        }
        EXPECT_TRUE(noticed > 0 || !kAllPrograms) << "mistake " << static_cast<int>(where);
    }
}

} // namespace
} // namespace headroom::scheduler
