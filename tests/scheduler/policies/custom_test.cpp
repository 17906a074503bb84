// Policies of somebody else: what they may return, and what becomes of it.
#include <stdexcept>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.hpp"
#include "scheduler/explain/explanation_text.hpp"
#include "scheduler/policies/custom.hpp"
#include "scheduler/timing/evaluate.hpp"
#include "tests/scheduler/instances/instances.hpp"

namespace headroom::scheduler {
namespace {

using ::testing::HasSubstr;
using testing::Instance;
using testing::planted_instance;
using testing::wild_instance;

constexpr std::uint64_t kSeed = 3;

Instance instance() {
    return planted_instance({.devices = 3, .layers = 2, .heads = 8}, kSeed);
}

Decision decide(const Problem& problem, CustomPolicy::Place place) {
    return scheduler::decide(CustomPolicy("mine", "hash 1", std::move(place)), problem);
}

/// Returns the message with which the policy is refused.
std::string refusal(const Problem& problem, CustomPolicy::Place place) {
    try {
        (void)decide(problem, std::move(place));
    } catch (const InputError& error) {
        return error.what();
    }
    return "accepted";
}

TEST(CustomPolicy, is_evaluated_as_any_placement) {
    const Instance drawn = instance();
    const Decision decision = decide(drawn.problem, [&](const Problem&) { return drawn.planted; });
    ASSERT_TRUE(decision.feasible);
    EXPECT_EQ(decision.placement, drawn.planted);
    EXPECT_EQ(objective(drawn.problem, decision), objective(drawn.problem, drawn.planted));
}

TEST(CustomPolicy, has_the_name_and_version_that_it_is_given) {
    const CustomPolicy policy("mine", "hash 1", {});
    EXPECT_EQ(policy.name(), "mine");
    EXPECT_EQ(policy.version(), "hash 1");
}

TEST(CustomPolicy, that_repeats_itself_is_explained_so) {
    Instance drawn = instance();
    drawn.problem.previous = drawn.planted;
    const Decision decision = decide(drawn.problem, [&](const Problem&) { return drawn.planted; });
    EXPECT_EQ(decision.why.outcome, Outcome::kept);
    EXPECT_THAT(explanation_text(decision.why), HasSubstr("chose the same placement again"));
}

TEST(CustomPolicy, is_infeasible_if_it_finds_nothing_or_needs_too_much) {
    Instance drawn = instance();
    const Decision nothing = decide(drawn.problem, [](const Problem&) { return Placement(); });
    EXPECT_FALSE(nothing.feasible);
    EXPECT_THAT(explanation_text(nothing.why), HasSubstr("policy mine returned no placement"));

    for (Snapshot::Device& device : drawn.problem.snapshot.devices) {
        device.memory = 1;
    }
    const Decision heavy = decide(drawn.problem, [&](const Problem&) { return drawn.planted; });
    EXPECT_FALSE(heavy.feasible);
    EXPECT_THAT(explanation_text(heavy.why), HasSubstr("device 0 lacks"));
}

TEST(CustomPolicy, is_refused_if_its_placement_cannot_be) {
    const Instance drawn = instance();
    EXPECT_THAT(
        refusal(drawn.problem, [](const Problem& p) { return Placement(3, p.source); }),
        HasSubstr("3 blocks placed")
    );
    for (const std::int32_t device : {-1, 3, 99}) {
        Placement placement = drawn.planted;
        placement.back() = DeviceId(device);
        EXPECT_THAT(
            refusal(drawn.problem, [&](const Problem&) { return placement; }),
            HasSubstr("which does not exist")
        );
    }
    EXPECT_EQ(refusal(drawn.problem, [&](const Problem&) { return drawn.planted; }), "accepted");
}

TEST(CustomPolicy, is_refused_if_embed_is_not_where_it_must_be) {
    int refused = 0;
    for (std::uint64_t seed = 0; seed < 30; ++seed) {
        const Instance drawn = wild_instance({.caps = false, .stalls = false}, seed);
        const Problem& problem = drawn.problem;
        if (problem.snapshot.size() == 1) {
            continue; // there is no other device
        }
        const DeviceId elsewhere(problem.source.index() == 0 ? std::size_t{1} : std::size_t{0});
        const std::string text = refusal(problem, [&](const Problem&) {
            return Placement(problem.blocks->size(), elsewhere);
        });
        EXPECT_EQ(text != "accepted", problem.ends_at_source) << "seed " << seed << ": " << text;
        refused += text.find("is pinned to the source") != std::string::npos ? 1 : 0;
    }
    EXPECT_GT(refused, 0);
}

TEST(CustomPolicy, that_throws_is_quoted) {
    const Instance drawn = instance();
    EXPECT_THAT(
        refusal(
            drawn.problem,
            [](const Problem&) -> Placement { throw std::runtime_error("first\nsecond"); }
        ),
        HasSubstr("failed, expected a placement\n  first\n  second")
    );
    EXPECT_THAT(
        refusal(drawn.problem, [](const Problem&) -> Placement { throw 7; }),
        HasSubstr("no std::exception")
    );
    EXPECT_THROW(
        (void)decide(
            drawn.problem,
            [](const Problem&) -> Placement { throw InterruptedError(ExitCode::interrupted); }
        ),
        InterruptedError
    );
}

} // namespace
} // namespace headroom::scheduler
