// Policy given: ranges and numbers of layers as placements, what does not suit the blocks, and the
// decisions for a placement.
#include <cstdint>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "scheduler/core/validate.hpp"
#include "scheduler/explain/explanation_text.hpp"
#include "scheduler/policies/registry.hpp"
#include "scheduler/timing/evaluate.hpp"
#include "tests/scheduler/instances/instances.hpp"

namespace headroom::scheduler {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::Instance;
using testing::planted_instance;
using testing::random_placement_for;
using testing::wild_instance;

constexpr DeviceId kLaptop{0};
constexpr DeviceId kTablet{1};
constexpr DeviceId kPhone{2};

std::vector<std::string> names_of(const Blocks& blocks) {
    std::vector<std::string> names;
    for (std::size_t i = 0; i < blocks.size(); ++i) {
        names.push_back(to_string(blocks.name(BlockId(i))));
    }
    return names;
}

GivenPlacement given_for(const Blocks& blocks, const Placement& placement) {
    const std::vector<std::string> names = names_of(blocks);
    return {{}, given_ranges(names, placement), names};
}

/// Returns the blocks of a model with embed and lm_head.
Blocks blocks_of(std::int32_t layers, std::int32_t heads, Cut cut = {}) {
    ModelShape shape = planted_instance({.layers = layers, .heads = heads}, 5).blocks->shape();
    shape.has_ends = true;
    shape.vocabulary = 100;
    return Blocks(shape, cut);
}

/// Two layers of 8 groups.
Blocks two_layers() {
    return blocks_of(2, 8);
}

std::vector<std::string> faults_of(const std::vector<GivenRange>& ranges) {
    return place_given({{}, ranges, {}}, two_layers(), kLaptop, true).problems;
}

TEST(GivenPlacement, of_ranges_is_the_placement_that_they_were_made_of) {
    for (std::uint64_t seed = 0; seed < 200; ++seed) {
        const Instance instance = wild_instance({.sliced = seed % 2 == 0}, seed);
        const Placement placement = random_placement_for(instance, seed);
        const GivenPlacement given = given_for(*instance.blocks, placement);
        const GivenBlocks again =
            place_given(given, *instance.blocks, instance.problem.source, false);
        ASSERT_THAT(again.problems, ElementsAre()) << "seed " << seed;
        ASSERT_EQ(again.placement, placement) << "seed " << seed;
        // The twin: with one block elsewhere the ranges are others.
        Placement other = placement;
        DeviceId& device = other[seed % other.size()];
        device = DeviceId(device.value == 0 ? 1 : 0);
        ASSERT_FALSE(given == given_for(*instance.blocks, other)) << "seed " << seed;
    }
}

TEST(GivenPlacement, has_whole_layers_in_its_ranges_where_it_can) {
    const Blocks blocks = two_layers();
    Placement placement(blocks.size(), kLaptop);
    EXPECT_THAT(
        given_ranges(names_of(blocks), placement),
        ElementsAre(
            GivenRange{kLaptop, "embed", "embed"},
            GivenRange{kLaptop, "L0", "L1"},
            GivenRange{kLaptop, "lm_head", "lm_head"}
        )
    );
    for (std::int32_t g = 2; g < 5; ++g) {
        placement[blocks.group(1, g).index()] = kPhone;
    }
    placement[blocks.ffn(1).index()] = kTablet;
    EXPECT_THAT(
        given_ranges(names_of(blocks), placement),
        ElementsAre(
            GivenRange{kLaptop, "embed", "embed"},
            GivenRange{kLaptop, "L0", "L0"},
            GivenRange{kLaptop, "L1.g0", "L1.g1"},
            GivenRange{kLaptop, "L1.g5", "L1.proj"},
            GivenRange{kLaptop, "lm_head", "lm_head"},
            GivenRange{kTablet, "L1.ffn", "L1.ffn"},
            GivenRange{kPhone, "L1.g2", "L1.g4"}
        )
    );
}

TEST(GivenPlacement, of_layers_has_them_in_turn_and_the_ends_on_the_source) {
    const Blocks blocks = two_layers();
    const GivenBlocks placed = place_given({{0, 1, 1}, {}, {}}, blocks, kPhone, true);
    ASSERT_THAT(placed.problems, ElementsAre());
    for (std::size_t i = 0; i < blocks.size(); ++i) {
        const std::int32_t layer = blocks.name(BlockId(i)).layer;
        EXPECT_EQ(placed.placement[i], layer == 0 ? kTablet : kPhone)
            << to_string(blocks.name(BlockId(i)));
    }
    EXPECT_THAT(
        place_given({{1, 2}, {}, {}}, blocks, kLaptop, true).problems,
        ElementsAre("= [1, 2] adds up to 3 layers, the model has 2; give numbers that add up to 2")
    );
}

TEST(GivenPlacement, says_what_does_not_suit_the_blocks) {
    EXPECT_THAT(faults_of({{kLaptop, "L0", "L1"}}), ElementsAre());
    EXPECT_THAT(
        faults_of({{kLaptop, "L0", "L0"}, {kTablet, "L1.g1", "L1.ffn"}}),
        ElementsAre("has no device for L1.g0; name every block of every layer")
    );
    EXPECT_THAT(
        faults_of({{kLaptop, "L0", "L0"}}),
        ElementsAre("has no device for L1.g0 and 9 other blocks; name every block of every layer")
    );
    EXPECT_THAT(
        faults_of({{kLaptop, "L0", "L1"}, {kTablet, "L1.g3", "L1.g4"}}),
        ElementsAre("names L1.g3 and 1 other block more than once; leave out all but one")
    );
    EXPECT_THAT(
        faults_of({{kLaptop, "L1", "L0"}}),
        ElementsAre("has the range L1-L0, which ends before it begins; exchange its ends")
    );
    EXPECT_THAT(
        faults_of({{kLaptop, "L0", "L2"}, {kTablet, "L0.s1", "L0.s1"}}),
        ElementsAre(
            "names L2, which is no block of the model in this granularity; its 2 layers are L0 to "
            "L1, and the blocks of L0 are L0.g0 to L0.ffn",
            AllOf(HasSubstr("names L0.s1, which"), HasSubstr("L0.ffn"))
        )
    );
    EXPECT_THAT(
        faults_of({{kLaptop, "embed", "L1"}, {kTablet, "lm_head", "lm_head"}}),
        ElementsAre("has lm_head on a device that is not the source; put it there, or give "
                    "controller.ends = \"anywhere\"")
    );
}

TEST(GivenPlacement, of_another_model_or_granularity_is_refused) {
    const Blocks blocks = two_layers();
    const GivenPlacement given = given_for(blocks, Placement(blocks.size(), kLaptop));
    const auto first_problem = [&](const Blocks& others) {
        return place_given(given, others, kLaptop, true).problems.at(0);
    };
    EXPECT_THAT(
        first_problem(blocks_of(2, 8, {Granularity::sliced, 4})),
        AllOf(
            HasSubstr("block 9 is L0.proj there and L0.s0 in the scenario"),
            HasSubstr("controller.granularity")
        )
    );
    EXPECT_THAT(
        first_problem(blocks_of(4, 8)), HasSubstr("block 21 is lm_head there and L2.g0 in")
    );
    EXPECT_THAT(first_problem(blocks_of(2, 16)), HasSubstr("block 9 is L0.proj there and L0.g8"));
    EXPECT_THAT(place_given(given, blocks, kLaptop, true).problems, ElementsAre());
    const Blocks slices = blocks_of(2, 8, {Granularity::sliced, 4});
    EXPECT_THAT(
        place_given(
            given_for(slices, Placement(slices.size(), kLaptop)),
            blocks_of(2, 8, {Granularity::sliced, 8}),
            kLaptop,
            true
        )
            .problems,
        ElementsAre(HasSubstr("block 13 is L0.hub there and L0.s4 in the scenario"))
    );
}

TEST(PolicyGiven, answers_with_its_placement_and_the_times_of_the_timeline) {
    for (std::uint64_t seed = 0; seed < 40; ++seed) {
        Instance instance = planted_instance(testing::random_cell(seed), seed);
        const GivenPlacement given = given_for(*instance.blocks, instance.planted);
        instance.problem.given = &given;
        const Decision decision = decide(*make_policy(PolicyKind::given), instance.problem);
        ASSERT_TRUE(decision.feasible) << explanation_text(decision.why);
        ASSERT_EQ(decision.placement, instance.planted) << "seed " << seed;
        const Decision expected = evaluate(instance.problem, instance.planted);
        EXPECT_EQ(decision.inference, expected.inference);
        EXPECT_EQ(decision.migration, expected.migration);
        // Nothing moves any more at the next decision.
        instance.problem.previous = instance.planted;
        const Decision next = decide(*make_policy(PolicyKind::given), instance.problem);
        EXPECT_EQ(next.placement, instance.planted);
        EXPECT_EQ(next.migration, 0);
        EXPECT_EQ(next.why.outcome, Outcome::kept);
        EXPECT_THAT(explanation_text(next.why), HasSubstr("the first placement stays"));
    }
}

TEST(PolicyGiven, explains_shortages_and_answers_again_when_there_is_room) {
    Instance instance = planted_instance({.devices = 3, .layers = 2}, 5);
    const GivenPlacement given = given_for(*instance.blocks, instance.planted);
    instance.problem.given = &given;
    const Snapshot before = instance.problem.snapshot;
    const std::size_t used = instance.planted.at(3).index();
    instance.problem.snapshot.devices.at(used).memory = 1;
    for (const bool kept : {false, true}) {
        instance.problem.previous = kept ? std::optional(instance.planted) : std::nullopt;
        const Decision decision = decide(*make_policy(PolicyKind::given), instance.problem);
        EXPECT_FALSE(decision.feasible);
        EXPECT_EQ(decision.why.outcome, Outcome::infeasible);
        ASSERT_EQ(decision.why.shortages.size(), 1U);
        EXPECT_EQ(std::get<MemoryShortage>(decision.why.shortages.front()).device.index(), used);
    }
    instance.problem.snapshot = before;
    EXPECT_TRUE(decide(*make_policy(PolicyKind::given), instance.problem).feasible);
}

TEST(PolicyGiven, without_a_placement_for_its_problem_says_so) {
    Instance instance = planted_instance({.devices = 3, .layers = 2}, 5);
    const auto text_of = [&] {
        const Decision decision = decide(*make_policy(PolicyKind::given), instance.problem);
        EXPECT_FALSE(decision.feasible);
        return explanation_text(decision.why);
    };
    EXPECT_THAT(text_of(), HasSubstr("needs controller.placement or controller.layers"));
    const GivenPlacement other{{5}, {}, {}};
    instance.problem.given = &other;
    EXPECT_THAT(text_of(), HasSubstr("adds up to 5 layers, the model has 2"));
}

} // namespace
} // namespace headroom::scheduler
