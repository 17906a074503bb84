// Explanations are values; their words follow from the values, and from nothing in a device's name.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "scheduler/explain/explanation_text.hpp"
#include "scheduler/explain/infeasibility.hpp"
#include "scheduler/policies/registry.hpp"
#include "tests/scheduler/instances/instances.hpp"

namespace headroom::scheduler {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

Explanation lacking(std::int32_t devices) {
    Explanation why;
    why.outcome = Outcome::infeasible;
    why.cause = Cause::too_little_memory;
    for (std::int32_t d = 0; d < devices; ++d) {
        why.shortages.emplace_back(MemoryShortage{DeviceId(d), 3 << 20, 1 << 20, 1 << 20});
    }
    return why;
}

TEST(Explanations, call_devices_by_their_names_whatever_these_are) {
    const DeviceNames names{"kept: found nothing", "because device 0", "device 7"};
    EXPECT_THAT(
        explanation_text(lacking(3), names),
        AllOf(
            HasSubstr("in the best attempt kept: found nothing lacks 2.00 MiB"),
            HasSubstr(", because device 0 lacks"),
            HasSubstr(", device 7 lacks")
        )
    );
    EXPECT_THAT(explanation_text(lacking(1)), HasSubstr("device 0 lacks 2.00 MiB"));
}

TEST(Explanations, of_large_fleets_are_cut_after_whole_shortages) {
    const std::string text = explanation_text(lacking(100), {}, 2);
    EXPECT_THAT(text, AllOf(HasSubstr("device 1 lacks"), Not(HasSubstr("device 2 lacks"))));
    EXPECT_THAT(text, HasSubstr("and 98 more"));
}

TEST(Explanations, name_every_device_that_lacks_memory_and_no_other) {
    std::size_t infeasible = 0;
    for (std::uint64_t seed = 1; seed <= 60; ++seed) {
        const testing::Instance instance = testing::planted_instance({}, seed);
        const Placement together(instance.problem.blocks->size(), instance.problem.source);
        const std::vector<AnyShortage> found = shortages_of(instance.problem, together);
        std::size_t memory = 0;
        for (const AnyShortage& shortage : found) {
            if (const auto* const lack = std::get_if<MemoryShortage>(&shortage)) {
                EXPECT_EQ(lack->device, instance.problem.source);
                EXPECT_GT(lack->needs, lack->usable);
                ++memory;
            }
        }
        EXPECT_LE(memory, 1U);
        infeasible += memory;
        EXPECT_TRUE(shortages_of(instance.problem, instance.planted).empty()) << "seed " << seed;
    }
    EXPECT_GT(infeasible, 10U);
}

TEST(Explanations, are_added_for_policies_that_give_none) {
    const testing::Instance instance = testing::planted_instance({}, 3);
    Problem problem = instance.problem;
    problem.previous.reset();
    const Decision first = decide(*make_policy(PolicyKind::greedy), problem);
    ASSERT_TRUE(first.feasible);
    EXPECT_EQ(first.why.outcome, Outcome::first);
    EXPECT_THAT(explanation_text(first.why), HasSubstr("first placement: "));
    problem.previous = first.placement;
    const Decision kept = decide(*make_policy(PolicyKind::greedy), problem);
    EXPECT_EQ(kept.why.outcome, Outcome::kept);
    EXPECT_THAT(explanation_text(kept.why), HasSubstr("kept: found nothing faster than "));
}

/// A policy of a user who has not thought of explanations.
class Silent final : public Policy {
  public:
    [[nodiscard]] std::string_view name() const override { return "silent"; }
    [[nodiscard]] Decision decide(const Problem& /*problem*/) const override { return {}; }
};

TEST(Explanations, say_so_if_a_policy_finds_nothing_and_gives_no_reason) {
    const Decision decision = decide(Silent(), testing::planted_instance({}, 3).problem);
    EXPECT_EQ(decision.why.outcome, Outcome::infeasible);
    EXPECT_EQ(explanation_text(decision.why), "policy silent gives no reason");
}

} // namespace
} // namespace headroom::scheduler
