// Policy galaxy: shares by speed, shares that do not fit, and the devices of all other blocks.
#include <algorithm>
#include <cstdint>
#include <numeric>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "scheduler/core/validate.hpp"
#include "scheduler/explain/explanation_text.hpp"
#include "scheduler/policies/baselines/galaxy.hpp"
#include "tests/scheduler/instances/instances.hpp"

namespace headroom::scheduler {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::Instance;
using testing::planted_instance;

constexpr std::int64_t kRoom = 1000;

TEST(ProportionalShares, are_whole_by_largest_remainder) {
    // 10 · (1, 2, 4) / 7 = 1.43, 2.86, 5.71. The two remaining units go to the parts .86 and .71.
    EXPECT_THAT(proportional_shares(10, {1, 2, 4}, {kRoom, kRoom, kRoom}), ElementsAre(1, 3, 6));
    EXPECT_THAT(proportional_shares(8, {1, 1, 2}, {kRoom, kRoom, kRoom}), ElementsAre(2, 2, 4));
    // Equal remainders: the lowest device first.
    EXPECT_THAT(proportional_shares(4, {1, 1, 1}, {kRoom, kRoom, kRoom}), ElementsAre(2, 1, 1));
    EXPECT_THAT(proportional_shares(0, {1, 1}, {kRoom, kRoom}), ElementsAre(0, 0));
}

TEST(ProportionalShares, shift_units_beyond_a_limit_to_the_others_by_speed) {
    // 1.43, 2.86, 5.71 become 1, 3, 6. The last is limited to 3; the other 3 units are shared 1 :
    // 2.
    EXPECT_THAT(proportional_shares(10, {1, 2, 4}, {kRoom, kRoom, 3}), ElementsAre(2, 5, 3));
    // The second is limited to 4, so one unit is shifted again.
    EXPECT_THAT(proportional_shares(10, {1, 2, 4}, {kRoom, 4, 3}), ElementsAre(3, 4, 3));
    // Units that fit nowhere are missing.
    EXPECT_THAT(proportional_shares(10, {1, 2, 4}, {2, 4, 3}), ElementsAre(2, 4, 3));
}

TEST(ProportionalShares, add_up_within_limits_and_differ_by_less_than_one_without) {
    for (std::uint64_t seed = 1; seed < 300; ++seed) {
        const std::size_t n = 1 + seed % 7;
        std::vector<double> speeds;
        std::vector<std::int64_t> most;
        for (std::size_t d = 0; d < n; ++d) {
            speeds.push_back(static_cast<double>(1 + seed * (d + 3) % 11));
            most.push_back(static_cast<std::int64_t>(seed * (d + 5) % 13));
        }
        const auto total = static_cast<std::int64_t>(seed % 40);
        const std::vector<std::int64_t> shares = proportional_shares(total, speeds, most);
        const auto room = std::accumulate(most.begin(), most.end(), std::int64_t{0});
        EXPECT_EQ(
            std::accumulate(shares.begin(), shares.end(), std::int64_t{0}), std::min(total, room)
        );
        for (std::size_t d = 0; d < n; ++d) {
            EXPECT_LE(shares[d], most[d]);
        }
        const std::vector<std::int64_t> open =
            proportional_shares(total, speeds, std::vector<std::int64_t>(n, kRoom));
        const double sum = std::accumulate(speeds.begin(), speeds.end(), 0.0);
        for (std::size_t d = 0; d < n; ++d) {
            EXPECT_LT(
                std::abs(
                    static_cast<double>(open[d]) - static_cast<double>(total) * speeds[d] / sum
                ),
                1.0
            );
        }
    }
}

/// Three devices with speeds 1, 1 and 2, and two layers with eight groups and eight slices each.
Instance three_devices() {
    Instance instance =
        planted_instance({.devices = 3, .layers = 2, .granularity = Granularity::sliced}, 4);
    Problem& problem = instance.problem;
    problem.previous.reset();
    for (std::size_t d = 0; d < 3; ++d) {
        problem.snapshot.devices[d].compute = d == 2 ? 2'000'000'000 : 1'000'000'000;
        problem.snapshot.devices[d].memory = Bytes{1} << 40;
    }
    return instance;
}

std::vector<std::int64_t> count(
    const Instance& instance, const Placement& placement, BlockKind kind, std::int32_t layer
) {
    std::vector<std::int64_t> counts(instance.problem.snapshot.size(), 0);
    for (std::size_t b = 0; b < placement.size(); ++b) {
        const BlockName& name = instance.blocks->name(BlockId(b));
        counts[placement[b].index()] += name.kind == kind && name.layer == layer ? 1 : 0;
    }
    return counts;
}

TEST(Galaxy, splits_every_layer_alike_in_proportion_to_speed) {
    const Instance instance = three_devices();
    const Decision decision = decide_galaxy(instance.problem);
    ASSERT_TRUE(decision.feasible) << explanation_text(decision.why);
    for (const std::int32_t layer : {0, 1}) {
        EXPECT_THAT(
            count(instance, decision.placement, BlockKind::group, layer), ElementsAre(2, 2, 4)
        );
        EXPECT_THAT(
            count(instance, decision.placement, BlockKind::slice, layer), ElementsAre(2, 2, 4)
        );
        EXPECT_THAT(
            count(instance, decision.placement, BlockKind::hub, layer), ElementsAre(1, 0, 0)
        );
    }
    EXPECT_THAT(explanation_text(decision.why), HasSubstr("in proportion to speed"));
}

TEST(Galaxy, shifts_units_for_which_a_device_has_no_memory) {
    Instance instance = three_devices();
    Problem& problem = instance.problem;
    const Placement anywhere(instance.blocks->size(), DeviceId(0));
    const auto bytes = [&](BlockId b) {
        return instance.blocks->resident_bytes(b, problem.horizon(), anywhere);
    };
    // The fastest device has room for two groups of each layer and for no slice.
    problem.snapshot.devices[2].memory = 2 * 2 * bytes(instance.blocks->group(0, 0));
    const Decision decision = decide_galaxy(problem);
    ASSERT_TRUE(decision.feasible) << explanation_text(decision.why);
    EXPECT_TRUE(validate(problem, decision.placement).ok());
    EXPECT_THAT(count(instance, decision.placement, BlockKind::group, 1), ElementsAre(3, 3, 2));
    EXPECT_THAT(count(instance, decision.placement, BlockKind::slice, 1), ElementsAre(4, 4, 0));
    // Twin: with one byte less there is one group less in each layer.
    --problem.snapshot.devices[2].memory;
    const Decision less = decide_galaxy(problem);
    EXPECT_EQ(count(instance, less.placement, BlockKind::group, 1)[2], 1);
    EXPECT_TRUE(validate(problem, less.placement).ok());
}

TEST(Galaxy, reports_the_settings_that_it_needs) {
    const Instance paper = planted_instance({}, 4);
    Problem problem = paper.problem;
    problem.previous.reset();
    EXPECT_THAT(explanation_text(decide_galaxy(problem).why), HasSubstr("controller.granularity"));
    EXPECT_FALSE(decide_galaxy(problem).feasible);
    Instance tight = three_devices();
    for (Snapshot::Device& device : tight.problem.snapshot.devices) {
        device.memory = 1000;
    }
    const Decision refused = decide_galaxy(tight.problem);
    EXPECT_FALSE(refused.feasible);
    EXPECT_THAT(explanation_text(refused.why), HasSubstr(" lacks "));
}

TEST(Galaxy, puts_embed_and_lm_head_elsewhere_if_the_source_has_no_room) {
    int elsewhere = 0;
    for (std::uint64_t seed = 0; seed < 300; ++seed) {
        Instance instance = testing::wild_instance({.sliced = true}, seed);
        Problem& problem = instance.problem;
        problem.previous.reset();
        if (!instance.blocks->shape().has_ends) {
            continue;
        }
        for (Snapshot::Device& device : problem.snapshot.devices) {
            device.memory = Bytes{1} << 40;
        }
        Decision decision = decide_galaxy(problem);
        ASSERT_TRUE(decision.feasible) << explanation_text(decision.why);
        EXPECT_EQ(decision.placement.front(), problem.source);
        EXPECT_EQ(decision.placement.back(), problem.source);
        if (problem.snapshot.size() == 1) {
            continue;
        }
        problem.snapshot.devices[problem.source.index()].memory =
            problem.buffers + 16 * instance.blocks->shape().width;
        decision = decide_galaxy(problem);
        if (decision.feasible) {
            ++elsewhere;
            EXPECT_NE(decision.placement.front(), problem.source);
            EXPECT_TRUE(validate(problem, decision.placement).ok());
        }
    }
    EXPECT_GT(elsewhere, 20);
}

} // namespace
} // namespace headroom::scheduler
