// Policies that stay within the least memory that devices had lately, as far as that is possible.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/random.hpp"
#include "scheduler/core/validate.hpp"
#include "scheduler/explain/explanation_text.hpp"
#include "scheduler/policies/registry.hpp"
#include "scheduler/search/memory_headroom.hpp"
#include "tests/scheduler/instances/instances.hpp"

namespace headroom::scheduler {
namespace {

using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using testing::Instance;
using ::testing::Not;

/// Devices have more than they had lately, by up to a half.
Instance lately_poorer(std::uint64_t seed, bool tight = false) {
    testing::InstanceShape shape = testing::random_cell(seed);
    shape.memory_factor = tight ? 1.15 : shape.memory_factor;
    shape.heads = 8;
    shape.layers = std::min(shape.layers, 2);
    Instance instance = testing::planted_instance(shape, seed);
    Random random(stream_seed(seed, "caution"));
    for (Snapshot::Device& device : instance.problem.snapshot.devices) {
        instance.problem.safe_memory.push_back(device.memory);
        device.memory += device.memory / 200 * static_cast<Bytes>(random.below(100));
    }
    return instance;
}

bool within(const Problem& problem, const Placement& placement) {
    return validate(cautious(problem, Risk::none).value_or(problem), placement).ok();
}

TEST(Caution, holds_resource_aware_and_dynamic_layer_to_what_devices_had_lately) {
    int whole_layers = 0;
    for (std::uint64_t seed = 0; seed < 60; ++seed) {
        const Instance instance = lately_poorer(seed); // what was planted fits what they had
        const Problem& problem = instance.problem;
        const Decision ours = make_policy(PolicyKind::resource_aware)->decide(problem);
        ASSERT_TRUE(ours.feasible);
        EXPECT_TRUE(within(problem, ours.placement)) << "seed " << seed;
        const Problem poorer = cautious(problem, Risk::none).value_or(problem);
        const Decision then = make_policy(PolicyKind::resource_aware)->decide(poorer);
        EXPECT_EQ(ours.placement, then.placement) << "seed " << seed;
        const auto layers = make_policy(PolicyKind::dynamic_layer);
        if (layers->decide(poorer).feasible) {
            ++whole_layers;
            EXPECT_TRUE(within(problem, layers->decide(problem).placement)) << "seed " << seed;
        }
    }
    EXPECT_GT(whole_layers, 10);
}

TEST(Caution, twin_without_memory_of_it_devices_are_filled_beyond) {
    int beyond = 0;
    for (std::uint64_t seed = 0; seed < 60; ++seed) {
        const Instance instance = lately_poorer(seed);
        const Problem now = careless(instance.problem);
        const Decision ours = make_policy(PolicyKind::resource_aware)->decide(now);
        beyond += within(instance.problem, ours.placement) ? 0 : 1;
    }
    EXPECT_GT(beyond, 5);
}

TEST(Caution, gives_way_where_nothing_fits_what_devices_had) {
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
        Instance instance = lately_poorer(seed, true); // half of what is there is not enough
        for (Bytes& memory : instance.problem.safe_memory) {
            memory = 0;
        }
        const auto policy = make_policy(PolicyKind::resource_aware);
        const Decision ours = policy->decide(instance.problem);
        ASSERT_TRUE(ours.feasible) << "seed " << seed;
        EXPECT_EQ(ours.placement, policy->decide(careless(instance.problem)).placement);
    }
}

TEST(Caution, takes_half_of_what_is_not_safe_before_it_takes_all) {
    int halves = 0;
    for (std::uint64_t seed = 0; seed < 40; ++seed) {
        Instance instance = lately_poorer(seed);
        Problem& problem = instance.problem;
        for (Bytes& memory : problem.safe_memory) {
            memory = memory * 3 / 4;
        }
        const auto policy = make_policy(PolicyKind::resource_aware);
        const std::optional<Problem> half = cautious(problem, Risk::half);
        if (policy->decide(*cautious(problem, Risk::none)).feasible ||
            !policy->decide(*half).feasible) {
            continue;
        }
        ++halves;
        EXPECT_TRUE(validate(*half, policy->decide(problem).placement).ok()) << "seed " << seed;
    }
    EXPECT_GT(halves, 3);
}

TEST(Caution, says_what_devices_have_and_what_of_it_is_safe) {
    const auto policy = make_policy(PolicyKind::resource_aware);
    int safe = 0;
    int lacking = 0;
    for (std::uint64_t seed = 0; seed < 60; ++seed) {
        Instance instance = lately_poorer(seed);
        Problem& problem = instance.problem;
        problem.previous = policy->decide(careless(problem)).placement; // filled beyond
        const std::optional<Problem> careful = cautious(problem, Risk::none);
        if (!careful || validate(*careful, *problem.previous).ok()) {
            continue;
        }
        const std::string reason = explanation_text(policy->decide(problem).why);
        if (reason.find("lacks") == std::string::npos) {
            continue; // nothing fits what is safe, and what is there is enough
        }
        ++safe;
        EXPECT_THAT(
            reason,
            ContainsRegex("device [0-9]+ lacks .* of safe memory \\(needs .*, has .*, of which "
                          "memory_window and memory_reserve leave .*\\)")
        );
        for (std::size_t d = 0; d < problem.snapshot.size(); ++d) {
            const Snapshot::Device& device = problem.snapshot.devices[d];
            if (reason.find(fmt::format("device {} lacks", d)) != std::string::npos) {
                EXPECT_THAT(reason, HasSubstr("has " + format_bytes(device.memory) + ","));
            }
        }
        Problem less = *careful; // now it has no more than that
        less.safe_memory.clear();
        const std::string told = explanation_text(policy->decide(less).why);
        EXPECT_THAT(told, Not(HasSubstr("safe"))) << "seed " << seed;
        lacking += told.find("lacks") != std::string::npos ? 1 : 0;
    }
    EXPECT_GT(safe, 5);
    EXPECT_GT(lacking, 5);
}

TEST(Caution, is_no_matter_of_what_is_proven) {
    const Instance instance = lately_poorer(3);
    const auto exact = make_policy(PolicyKind::exact);
    const Decision now = exact->decide(careless(instance.problem));
    EXPECT_EQ(exact->decide(instance.problem).placement, now.placement);
}

} // namespace
} // namespace headroom::scheduler
