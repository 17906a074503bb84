// The enumeration agrees with the library's objective and `validate`, and policy `exact` agrees
// with the enumeration. bench/exact_check does the latter for more and larger instances.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "scheduler/core/validate.hpp"
#include "scheduler/timing/evaluate.hpp"
#include "tests/scheduler/exact/enumeration.hpp"
#include "tests/scheduler/instances/device_costs.hpp"

namespace headroom::scheduler {
namespace {

using testing::complaint;
using testing::enumerate;
using testing::EnumerationResult;
using ::testing::HasSubstr;
using testing::Instance;
using testing::small_instance;
using testing::SmallInstanceSpec;

constexpr SmallInstanceSpec kKinds[] = {
    {CostProfile::physical, Granularity::paper, 1e5},
    {CostProfile::physical, Granularity::sliced, 1e5},
    {CostProfile::paper, Granularity::paper, 1e5},
    {CostProfile::physical, Granularity::paper, 1e5, QkNorm::width},
    {CostProfile::physical, Granularity::sliced, 1e5, QkNorm::width},
};
#ifdef NDEBUG
constexpr std::uint64_t kEnumeratedCount = 60;
#else
constexpr std::uint64_t kEnumeratedCount = 6;
#endif

struct Counts {
    int fitting = 0;
    int refused = 0;
};

/// Compares 50 random placements of an instance with the library.
void compare_with_library(const Instance& instance, std::uint64_t seed, Counts& counts) {
    const Problem& problem = instance.problem;
    for (std::uint64_t k = 0; k < 50; ++k) {
        const Placement placement = testing::random_placement_for(instance, 1000 * seed + k);
        const testing::JudgedPlacement judged = testing::judge(problem, placement);
        const bool fits = validate(problem, placement).ok();
        ASSERT_EQ(judged.fits, fits) << "seed " << seed;
        (fits ? counts.fitting : counts.refused) += 1;
        if (fits && problem.cost_profile == CostProfile::physical) {
            ASSERT_EQ(judged.objective, objective(problem, placement)) << "seed " << seed;
        } else if (fits) {
            const double expected = objective(problem, placement);
            ASSERT_NEAR(judged.objective, expected, 1e-12 * expected) << "seed " << seed;
        }
    }
}

TEST(Enumeration, has_the_costs_and_memory_of_the_library) {
    for (const SmallInstanceSpec& kind : kKinds) {
        Counts counts;
        for (std::uint64_t seed = 0; seed < kEnumeratedCount; ++seed) {
            compare_with_library(small_instance(kind, seed), seed, counts);
        }
        EXPECT_GT(counts.fitting, static_cast<int>(kEnumeratedCount));
        EXPECT_GT(counts.refused, static_cast<int>(kEnumeratedCount));
    }
}

TEST(Enumeration, has_the_costs_of_the_library_with_overheads_and_media) {
    for (const SmallInstanceSpec& kind : kKinds) {
        Counts counts;
        for (std::uint64_t seed = 0; seed < 2 * kEnumeratedCount; ++seed) {
            Instance instance = small_instance(kind, seed);
            const auto costs = testing::DeviceCosts::choice(1 + seed % 15);
            testing::add_device_costs(instance.problem, costs, seed);
            compare_with_library(instance, seed, counts);
        }
        EXPECT_GT(counts.fitting, static_cast<int>(kEnumeratedCount));
    }
}

TEST(Enumeration, equals_the_simplest_loop) {
    for (SmallInstanceSpec kind : kKinds) {
        kind.max_placements = 1500;
        for (std::uint64_t seed = 0; seed < kEnumeratedCount; ++seed) {
            const Instance instance = small_instance(kind, seed);
            const double found = enumerate(instance.problem).objective;
            const double expected = testing::optimum(instance.problem);
            if (found != expected) { // equal, or both infinite
                ASSERT_NEAR(found, expected, 1e-12 * expected) << "seed " << seed;
            }
        }
    }
}

/// Returns a correct decision.
Decision optimum_of(const Problem& problem, const EnumerationResult& enumerated) {
    Decision decision = evaluate(problem, enumerated.placement);
    decision.bound = enumerated.objective;
    decision.proven = true;
    return decision;
}

TEST(Enumeration, rejects_every_answer_that_is_not_the_optimum) {
    const Instance instance = small_instance({}, 3);
    const Problem& problem = instance.problem;
    const EnumerationResult enumerated = enumerate(problem);
    ASSERT_GT(enumerated.feasible, 1);
    const Decision right = optimum_of(problem, enumerated);
    EXPECT_EQ(complaint(problem, right, enumerated), "");
    EXPECT_EQ(testing::difference(problem, right, enumerated), 0.0);

    Decision worse = evaluate(problem, instance.planted);
    ASSERT_NE(objective(problem, worse), enumerated.objective);
    EXPECT_THAT(complaint(problem, worse, enumerated), HasSubstr("optimum "));
    EXPECT_GT(testing::difference(problem, worse, enumerated), 0.0);
    worse.inference = right.inference; // the placement does not have this delay
    worse.migration = right.migration;
    EXPECT_THAT(complaint(problem, worse, enumerated), HasSubstr("does not cost what it says"));

    Decision bold = right;
    bold.bound = 1.001 * enumerated.objective;
    EXPECT_THAT(complaint(problem, bold, enumerated), HasSubstr("bound "));

    Decision none;
    EXPECT_THAT(complaint(problem, none, enumerated), HasSubstr("says infeasible"));
    EXPECT_EQ(complaint(problem, none, EnumerationResult{}), "");
    EXPECT_THAT(complaint(problem, right, EnumerationResult{}), HasSubstr("says feasible"));

    Instance tight = small_instance({}, 3);
    for (Snapshot::Device& device : tight.problem.snapshot.devices) {
        device.memory = 0;
    }
    EXPECT_THAT(complaint(tight.problem, right, enumerated), HasSubstr("does not fit"));
    EXPECT_EQ(enumerate(tight.problem).feasible, 0);
}

TEST(Exact, has_the_enumerated_optimum_of_small_instances) {
    for (const SmallInstanceSpec& kind : kKinds) {
        int infeasible = 0;
        int proven = 0;
        for (std::uint64_t seed = 0; seed < kEnumeratedCount; ++seed) {
            const Instance instance = small_instance(kind, seed);
            const Decision decision = make_policy(PolicyKind::exact)->decide(instance.problem);
            const EnumerationResult enumerated = enumerate(instance.problem);
            EXPECT_EQ(complaint(instance.problem, decision, enumerated), "") << "seed " << seed;
            proven += decision.proven ? 1 : 0;
            infeasible += decision.feasible ? 0 : 1;
        }
        EXPECT_LT(infeasible, static_cast<int>(kEnumeratedCount) / 4);
        EXPECT_EQ(proven, static_cast<int>(kEnumeratedCount));
    }
}

TEST(Exact, has_the_enumerated_optimum_with_overheads_and_media) {
    for (SmallInstanceSpec kind : kKinds) {
        kind.max_placements = 2e4;
        int proven = 0;
        for (std::uint64_t seed = 0; seed < kEnumeratedCount; ++seed) {
            Instance instance = small_instance(kind, 1000 + seed);
            const auto costs = testing::DeviceCosts::choice(1 + seed % 15);
            testing::add_device_costs(instance.problem, costs, seed);
            const Decision decision = make_policy(PolicyKind::exact)->decide(instance.problem);
            const EnumerationResult enumerated = enumerate(instance.problem);
            EXPECT_EQ(complaint(instance.problem, decision, enumerated), "") << "seed " << seed;
            proven += decision.proven ? 1 : 0;
        }
        EXPECT_GE(proven, static_cast<int>(kEnumeratedCount) * 9 / 10);
    }
}

TEST(SmallInstances, are_sometimes_infeasible) {
    int nothing = 0;
    for (std::uint64_t seed = 0; seed < 8 * kEnumeratedCount; ++seed) {
        nothing += enumerate(small_instance({.max_placements = 2000}, seed).problem).feasible == 0;
    }
    EXPECT_GT(nothing, 0);
    EXPECT_LT(nothing, static_cast<int>(kEnumeratedCount));
}

} // namespace
} // namespace headroom::scheduler
