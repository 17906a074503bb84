// Several sequences in flight: decisions of policies have room for the caches of all of them.
#include <cstdint>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "scheduler/core/validate.hpp"
#include "scheduler/cost/memory_ledger.hpp"
#include "scheduler/explain/explanation_text.hpp"
#include "scheduler/policies/registry.hpp"
#include "tests/scheduler/instances/instances.hpp"

namespace headroom::scheduler {
namespace {

using ::testing::HasSubstr;
using testing::Instance;
using testing::planted_instance;
using testing::put_in_flight;
using testing::random_cell;
using testing::wild_instance;

#ifdef NDEBUG
constexpr std::uint64_t kManySequences = 15;
#else
constexpr std::uint64_t kManySequences =
    2; // unoptimised and sanitised, a search takes forty times as long
#endif

/// Generated and wild instances, sliced ones too, with 2 to 7 sequences.
Instance busy_instance(std::uint64_t seed) {
    testing::InstanceShape cell = random_cell(seed);
    cell.granularity = seed % 2 == 0 ? Granularity::paper : Granularity::sliced;
    const bool wild = seed % 3 == 0;
    Instance instance = wild ? wild_instance({.caps = seed % 2 == 0, .sliced = seed % 4 == 1}, seed)
                             : planted_instance(cell, seed);
    put_in_flight(instance, 2 + static_cast<std::int64_t>(seed % 6), seed);
    instance.problem.node_limit = 500;
    return instance;
}

TEST(SequencesInFlight, have_room_in_every_placement_of_a_policy) {
    int answered = 0;
    int kept_for_one_only = 0; // twin: the memory of one sequence is not enough
    for (std::uint64_t seed = 0; seed < kManySequences; ++seed) {
        const Instance instance = busy_instance(seed);
        ASSERT_TRUE(validate(instance.problem, instance.planted).ok()) << "seed " << seed;
        Problem one = instance.problem;
        one.sequences.clear();
        for (const std::string_view name : policies_for_any_problem()) {
            const auto policy = make_policy(*policy_named(name));
            if (name == "paper" && instance.blocks->sliced()) {
                continue;
            }
            const Decision decision = policy->decide(instance.problem);
            if (decision.feasible) {
                ++answered;
                EXPECT_TRUE(validate(instance.problem, decision.placement).ok())
                    << name << " seed " << seed;
            } else {
                EXPECT_NE(name, "resource_aware")
                    << "seed " << seed << ": " << explanation_text(decision.why);
                EXPECT_FALSE(explanation_text(decision.why).empty());
            }
            const Decision careless = policy->decide(one);
            kept_for_one_only +=
                careless.feasible && !validate(instance.problem, careless.placement).ok() ? 1 : 0;
        }
    }
    EXPECT_GT(answered, static_cast<int>(3 * kManySequences));
    EXPECT_GT(kept_for_one_only, 0);
}

/// The ledger and `validate` compute the same memory for several sequences, to the byte.
TEST(SequencesInFlight, are_counted_by_the_ledger_as_by_validate) {
    for (std::uint64_t seed = 0; seed < kManySequences; ++seed) {
        Instance instance = busy_instance(seed);
        const Placement placement = testing::random_placement_for(instance, seed + 1);
        const Ledger ledger(instance.problem, placement);
        for (std::size_t d = 0; d < ledger.devices(); ++d) {
            instance.problem.snapshot.devices[d].memory = ledger.used(DeviceId(d));
        }
        EXPECT_TRUE(validate(instance.problem, placement).ok()) << "seed " << seed;
        Snapshot::Device& device = instance.problem.snapshot.devices[placement[0].index()];
        --device.memory; // the twin
        EXPECT_FALSE(validate(instance.problem, placement).ok()) << "seed " << seed;
    }
}

TEST(SequencesInFlight, are_named_in_the_reason_if_they_do_not_fit) {
    Instance instance = planted_instance({}, 1);
    put_in_flight(instance, 5, 1);
    for (Snapshot::Device& device : instance.problem.snapshot.devices) {
        device.memory = min_total_bytes(instance.problem) / 4;
    }
    const Decision decision = make_policy(PolicyKind::resource_aware)->decide(instance.problem);
    EXPECT_FALSE(decision.feasible);
    EXPECT_THAT(explanation_text(decision.why), HasSubstr("of 5 sequences the blocks need"));
}

/// A problem with one listed sequence has the same decision as one without a list.
TEST(SequencesInFlight, change_nothing_if_there_is_one) {
    for (std::uint64_t seed = 0; seed < kManySequences; ++seed) {
        Instance instance = planted_instance(random_cell(seed), seed);
        instance.problem.node_limit = 500;
        Problem listed = instance.problem;
        listed.sequences = {{listed.context, listed.rows}};
        for (const PolicyKind kind :
             {PolicyKind::resource_aware,
              PolicyKind::greedy,
              PolicyKind::exact,
              PolicyKind::ring}) {
            const Decision a = make_policy(kind)->decide(instance.problem);
            const Decision b = make_policy(kind)->decide(listed);
            EXPECT_EQ(a.placement, b.placement) << name_of(kind) << " seed " << seed;
            EXPECT_EQ(explanation_text(a.why), explanation_text(b.why));
        }
    }
}

} // namespace
} // namespace headroom::scheduler
