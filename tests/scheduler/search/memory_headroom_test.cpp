// Policies stay within the least recent memory of the devices if that is possible.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/random.hpp"
#include "scheduler/core/validate.hpp"
#include "scheduler/explain/explanation_text.hpp"
#include "scheduler/policies/registry.hpp"
#include "scheduler/search/memory_headroom.hpp"
#include "scheduler/timing/evaluate.hpp"
#include "tests/scheduler/instances/instances.hpp"

namespace headroom::scheduler {
namespace {

using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using testing::Instance;
using ::testing::Not;

/// Returns an instance whose devices have up to half as much memory again as they had recently.
Instance with_less_recent_memory(std::uint64_t seed, bool tight = false) {
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

TEST(MemoryReserve, limits_resource_aware_and_dynamic_layer_to_recent_memory) {
    int whole_layers = 0;
    for (std::uint64_t seed = 0; seed < 60; ++seed) {
        const Instance instance = with_less_recent_memory(seed); // the planted placement fits it
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

TEST(MemoryReserve, twin_without_a_memory_window_devices_are_filled_beyond_it) {
    int beyond = 0;
    for (std::uint64_t seed = 0; seed < 60; ++seed) {
        const Instance instance = with_less_recent_memory(seed);
        const Problem now = careless(instance.problem);
        const Decision ours = make_policy(PolicyKind::resource_aware)->decide(now);
        beyond += within(instance.problem, ours.placement) ? 0 : 1;
    }
    EXPECT_GT(beyond, 5);
}

TEST(MemoryReserve, is_given_up_if_nothing_fits_recent_memory) {
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
        Instance instance = with_less_recent_memory(seed, true); // half of the memory is too little
        for (Bytes& memory : instance.problem.safe_memory) {
            memory = 0;
        }
        const auto policy = make_policy(PolicyKind::resource_aware);
        const Decision ours = policy->decide(instance.problem);
        ASSERT_TRUE(ours.feasible) << "seed " << seed;
        EXPECT_EQ(ours.placement, policy->decide(careless(instance.problem)).placement);
    }
}

TEST(MemoryReserve, is_halved_before_it_is_given_up) {
    int halves = 0;
    for (std::uint64_t seed = 0; seed < 40; ++seed) {
        Instance instance = with_less_recent_memory(seed);
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

TEST(MemoryReserve, is_reported_with_total_and_safe_memory) {
    const auto policy = make_policy(PolicyKind::resource_aware);
    int safe = 0;
    int lacking = 0;
    for (std::uint64_t seed = 0; seed < 60; ++seed) {
        Instance instance = with_less_recent_memory(seed);
        Problem& problem = instance.problem;
        problem.previous = policy->decide(careless(problem)).placement; // filled beyond
        const std::optional<Problem> careful = cautious(problem, Risk::none);
        if (!careful || validate(*careful, *problem.previous).ok()) {
            continue;
        }
        const std::string reason = explanation_text(policy->decide(*careful).why);
        if (reason.find("lacks") == std::string::npos) {
            continue; // no placement fits the safe memory
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
        Problem less = *careful; // its devices have only the safe memory
        less.safe_memory.clear();
        const std::string told = explanation_text(policy->decide(less).why);
        EXPECT_THAT(told, Not(HasSubstr("safe"))) << "seed " << seed;
        lacking += told.find("lacks") != std::string::npos ? 1 : 0;
    }
    EXPECT_GT(safe, 5);
    EXPECT_GT(lacking, 5);
}

/// Returns how often a previous placement that fits, but not in the safe memory, is kept.
int kept_beyond_the_reserve(PolicyKind kind) {
    int kept = 0;
    for (std::uint64_t seed = 0; seed < 60; ++seed) {
        Instance instance = with_less_recent_memory(seed);
        Problem& problem = instance.problem;
        problem.previous = make_policy(kind)->decide(careless(problem)).placement;
        const std::optional<Problem> careful = cautious(problem, Risk::none);
        if (careful && !validate(*careful, *problem.previous).ok()) {
            const Decision decision = make_policy(kind)->decide(problem);
            Problem all = careless(problem);
            EXPECT_LE(objective(problem, decision), objective(all, evaluate(all, *all.previous)))
                << "seed " << seed;
            kept += decision.placement == *problem.previous ? 1 : 0;
        }
    }
    return kept;
}

TEST(MemoryReserve, does_not_force_moves) {
    EXPECT_GT(kept_beyond_the_reserve(PolicyKind::resource_aware), 5);
}

TEST(MemoryReserve, does_not_apply_to_policy_exact) {
    const Instance instance = with_less_recent_memory(3);
    const auto exact = make_policy(PolicyKind::exact);
    const Decision now = exact->decide(careless(instance.problem));
    EXPECT_EQ(exact->decide(instance.problem).placement, now.placement);
}

} // namespace
} // namespace headroom::scheduler
