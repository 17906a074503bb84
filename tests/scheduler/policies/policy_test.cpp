// All policies: their decisions pass validate() or have a reason why no placement fits.
#include <algorithm>
#include <cstdint>
#include <limits>
#include <set>
#include <span>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/check.hpp"
#include "scheduler/core/validate.hpp"
#include "scheduler/cost/memory_ledger.hpp"
#include "scheduler/explain/explanation_text.hpp"
#include "scheduler/policies/registry.hpp"
#include "scheduler/timing/evaluate.hpp"
#include "scheduler/timing/timeline.hpp"
#include "tests/scheduler/instances/instances.hpp"

namespace headroom::scheduler {
namespace {

using ::testing::AnyOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::Instance;
using testing::planted_instance;
using testing::random_cell;
using testing::wild_instance;

constexpr PolicyKind kAll[] = {
    PolicyKind::resource_aware,
    PolicyKind::greedy,
    PolicyKind::round_robin,
    PolicyKind::static_first,
    PolicyKind::paper,
};

Decision decide(PolicyKind kind, const Problem& problem) {
    return make_policy(kind)->decide(problem);
}

#ifdef NDEBUG
constexpr std::uint64_t kManyDrawn = 200;
#else
constexpr std::uint64_t kManyDrawn =
    20; // unoptimised and sanitised, a search takes forty times as long
#endif

/// Reduces the memory of all devices so that one byte is missing for the blocks alone.
void starve(Instance& instance) {
    const Bytes need = min_total_bytes(instance.problem);
    const auto n = static_cast<Bytes>(instance.problem.snapshot.size());
    for (Snapshot::Device& device : instance.problem.snapshot.devices) {
        device.memory = 0;
    }
    for (Bytes d = 0; d < n; ++d) {
        const Bytes share = (need - 1) / n + (d < (need - 1) % n ? 1 : 0);
        instance.problem.snapshot.devices[static_cast<std::size_t>(d)].memory = share;
    }
}

TEST(Policies, have_one_name_each) {
    const std::vector<std::string_view> names = policy_names();
    EXPECT_EQ(std::set<std::string_view>(names.begin(), names.end()).size(), names.size());
    for (const std::string_view name : names) {
        const PolicyKind kind = policy_named(name).value();
        EXPECT_EQ(name_of(kind), name);
        if (kind != PolicyKind::custom) { // its code is not part of the program
            EXPECT_EQ(make_policy(kind)->name(), name);
        }
        EXPECT_FALSE(summary_of(kind).empty()) << name;
    }
    // Traces store the numbers of these. New policies follow them.
    ASSERT_GE(names.size(), 14U);
    EXPECT_THAT(
        std::vector(names.begin(), names.begin() + 14),
        ElementsAre(
            "resource_aware",
            "greedy",
            "round_robin",
            "static",
            "paper",
            "exact",
            "dynamic_layer",
            "edgeshard",
            "edgeshard_throughput",
            "galaxy",
            "mdi_ring",
            "ring",
            "custom",
            "given"
        )
    );
    EXPECT_EQ(name_of(PolicyKind::given), "given");
    EXPECT_THROW((void)make_policy(PolicyKind::custom), Bug); // it has no code in the program
    const std::vector<std::string_view> unaided = policies_for_any_problem();
    EXPECT_TRUE(std::ranges::equal(unaided, std::span(names).first(12)));
    EXPECT_EQ(policy_named("exakt"), std::nullopt);
}

TEST(Policies, of_the_table_give_valid_placements_or_explain) {
    for (const std::string_view name : policies_for_any_problem()) {
        const auto policy = make_policy(policy_named(name).value());
        for (std::uint64_t seed = 0; seed < kManyDrawn / 5; ++seed) {
            Instance instance = wild_instance({.caps = seed % 3 == 0, .stalls = false}, seed);
            instance.problem.node_limit = 2'000;
            const Decision decision = decide(*policy, instance.problem);
            EXPECT_FALSE(explanation_text(decision.why).empty()) << name << " seed " << seed;
            if (decision.feasible) {
                EXPECT_TRUE(validate(instance.problem, decision.placement).ok())
                    << name << " seed " << seed;
            }
        }
    }
}

TEST(Policies, answer_with_feasible_placements_on_generated_instances) {
    for (std::uint64_t seed = 0; seed < 300; ++seed) {
        const Instance instance = planted_instance(random_cell(seed), seed);
        for (const PolicyKind kind : {PolicyKind::greedy, PolicyKind::round_robin}) {
            const Decision decision = decide(kind, instance.problem);
            ASSERT_TRUE(decision.feasible)
                << name_of(kind) << " seed " << seed << ": " << explanation_text(decision.why);
            EXPECT_TRUE(validate(instance.problem, decision.placement).ok())
                << name_of(kind) << " seed " << seed;
        }
    }
}

TEST(Policies, answer_with_feasible_placements_on_wild_instances) {
    int answered = 0;
    for (std::uint64_t seed = 0; seed < kManyDrawn; ++seed) {
        const Instance instance = wild_instance({.caps = seed % 3 == 0, .stalls = false}, seed);
        for (const PolicyKind kind : kAll) {
            const Decision decision = decide(kind, instance.problem);
            if (!decision.feasible) {
                EXPECT_TRUE(decision.placement.empty());
                EXPECT_THAT(explanation_text(decision.why), HasSubstr("lacks")) << name_of(kind);
                continue;
            }
            ++answered;
            EXPECT_TRUE(validate(instance.problem, decision.placement).ok())
                << name_of(kind) << " seed " << seed;
            EXPECT_FALSE(explanation_text(decision.why).empty());
        }
        // The planted placement fits, so resource_aware must find a placement.
        EXPECT_TRUE(decide(PolicyKind::resource_aware, instance.problem).feasible)
            << "seed " << seed;
    }
    EXPECT_GT(answered, static_cast<int>(3 * kManyDrawn));
}

TEST(Policies, predict_what_the_timeline_predicts) {
    for (std::uint64_t seed = 0; seed < kManyDrawn / 10; ++seed) {
        const Instance instance = wild_instance({}, seed);
        const Problem& problem = instance.problem;
        const Decision decision = decide(PolicyKind::resource_aware, problem);
        ASSERT_TRUE(decision.feasible);
        EXPECT_EQ(
            decision.inference,
            predict_inference(
                *problem.blocks,
                decision.placement,
                problem.snapshot,
                problem.source,
                problem.context + problem.interval
            )
        );
        const Nanoseconds migration = problem.previous ? predict_migration(
                                                             *problem.blocks,
                                                             *problem.previous,
                                                             decision.placement,
                                                             problem.snapshot,
                                                             problem.moved_rows()
                                                         )
                                                       : 0;
        EXPECT_EQ(decision.migration, migration);
    }
}

TEST(Policies, report_shortages_if_nothing_fits) {
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
        Instance instance = planted_instance(random_cell(seed), seed);
        starve(instance);
        for (const PolicyKind kind : kAll) {
            const Decision decision = decide(kind, instance.problem);
            EXPECT_FALSE(decision.feasible) << name_of(kind);
            EXPECT_TRUE(decision.placement.empty());
            EXPECT_THAT(explanation_text(decision.why), HasSubstr("device "));
            EXPECT_THAT(explanation_text(decision.why), HasSubstr(" lacks "));
        }
        // One byte is missing; sums are in bytes if they would be equal after rounding.
        const Bytes need = min_total_bytes(instance.problem);
        EXPECT_THAT(
            explanation_text(decide(PolicyKind::greedy, instance.problem).why),
            AnyOf(
                HasSubstr(std::to_string(need) + " B in all"),
                HasSubstr(format_bytes(need) + " in all")
            )
        );
    }
}

TEST(Policies, find_a_placement_that_needs_every_byte) {
    // All blocks are on the only device with memory, which has exactly enough.
    Instance instance = planted_instance({}, 5);
    instance.problem.previous.reset();
    for (Snapshot::Device& device : instance.problem.snapshot.devices) {
        device.memory = 0;
    }
    instance.problem.snapshot.devices[1].memory = min_total_bytes(instance.problem);
    for (const PolicyKind kind : kAll) {
        const Decision decision = decide(kind, instance.problem);
        ASSERT_TRUE(decision.feasible) << explanation_text(decision.why);
        EXPECT_EQ(decision.placement, Placement(instance.blocks->size(), DeviceId(1)));
    }
    --instance.problem.snapshot.devices[1].memory;
    for (const PolicyKind kind : kAll) {
        EXPECT_FALSE(decide(kind, instance.problem).feasible);
    }
}

TEST(Greedy, fills_the_lowest_device_first) {
    Instance instance = planted_instance({.devices = 3, .memory_factor = 3.0}, 6);
    const BlockId group(std::size_t{0});
    const Bytes each =
        instance.blocks->resident_bytes(group, instance.problem.horizon(), instance.planted);
    for (Snapshot::Device& device : instance.problem.snapshot.devices) {
        device.memory = Bytes{1} << 40;
    }
    instance.problem.snapshot.devices[0].memory = 3 * each;
    const Decision decision = decide(PolicyKind::greedy, instance.problem);
    Placement expected(instance.blocks->size(), DeviceId(1));
    std::fill_n(expected.begin(), 3, DeviceId(0));
    EXPECT_EQ(decision.placement, expected);
}

TEST(RoundRobin, places_blocks_in_turn_and_skips_full_devices) {
    Instance instance = planted_instance({.devices = 3, .memory_factor = 3.0}, 6);
    for (Snapshot::Device& device : instance.problem.snapshot.devices) {
        device.memory = Bytes{1} << 40;
    }
    instance.problem.snapshot.devices[1].memory = 0;
    const Decision decision = decide(PolicyKind::round_robin, instance.problem);
    ASSERT_TRUE(decision.feasible);
    for (std::size_t b = 0; b < decision.placement.size(); ++b) {
        EXPECT_EQ(decision.placement[b].index(), b % 3 == 1 ? 2 : b % 3) << "block " << b;
    }
}

TEST(StaticFirst, keeps_its_first_placement_even_if_it_does_not_fit) {
    Instance instance = planted_instance({}, 7);
    Problem& problem = instance.problem;
    problem.previous.reset();
    const Decision first = decide(PolicyKind::static_first, problem);
    EXPECT_EQ(first.placement, decide(PolicyKind::resource_aware, problem).placement);
    problem.previous = first.placement;
    for (Snapshot::Device& device : problem.snapshot.devices) {
        device.compute /= 3;
    }
    EXPECT_EQ(decide(PolicyKind::static_first, problem).placement, first.placement);
    problem.snapshot.devices[first.placement[0].index()].memory = 10;
    const Decision late = decide(PolicyKind::static_first, problem);
    EXPECT_FALSE(late.feasible);
    EXPECT_THAT(
        explanation_text(late.why),
        HasSubstr("device " + std::to_string(first.placement[0].value) + " lacks")
    );
}

TEST(Ledger, agrees_with_validate_about_every_device) {
    for (std::uint64_t seed = 0; seed < 300; ++seed) {
        Instance instance = wild_instance({}, seed);
        const Placement placement = testing::random_placement_for(instance, seed + 9);
        const Ledger ledger(instance.problem, placement);
        const Verdict verdict = validate(instance.problem, placement);
        Bytes missing = 0;
        for (const Shortage& shortage : verdict.shortages) {
            EXPECT_EQ(ledger.used(shortage.device), shortage.needed) << "seed " << seed;
            missing += shortage.needed - shortage.budget;
        }
        EXPECT_EQ(ledger.shortage(), missing) << "seed " << seed;
        // Twin: with exactly its use a device has enough, with one byte less it has not.
        const DeviceId d = placement[0];
        instance.problem.snapshot.devices[d.index()].memory = ledger.used(d);
        EXPECT_EQ(Ledger(instance.problem, placement).memory_shortage(d), 0);
        --instance.problem.snapshot.devices[d.index()].memory;
        EXPECT_EQ(Ledger(instance.problem, placement).memory_shortage(d), 1);
    }
}

TEST(Objective, adds_up_and_stays_at_never) {
    Problem problem;
    problem.interval = 16;
    Decision decision;
    decision.inference = 1000;
    decision.migration = 7;
    EXPECT_EQ(objective(problem, decision), 16'007e-9); // 7 + 16·1000 ns
    decision.inference = kNever / 10; // 16 times this exceeds 64 bits, but is not never
    EXPECT_LT(objective(problem, decision), std::numeric_limits<double>::infinity());
    decision.inference = kNever;
    decision.migration = 0;
    EXPECT_EQ(objective(problem, decision), std::numeric_limits<double>::infinity());
}

TEST(Objective, under_profile_paper_is_that_of_its_formulas) {
    Problem problem;
    problem.interval = 16;
    problem.cost_profile = CostProfile::paper;
    Decision decision;
    decision.inference = kNever;
    decision.paper_delay_s = 0.25;
    decision.paper_migration_s = 1.5;
    EXPECT_EQ(objective(problem, decision), 5.5); // 1.5 + 16·0.25
    decision.paper_delay_s = std::numeric_limits<double>::infinity();
    EXPECT_EQ(objective(problem, decision), std::numeric_limits<double>::infinity());
}

TEST(Evaluate, refuses_an_incomplete_placement) {
    const Instance instance = planted_instance({}, 8);
    EXPECT_THROW(static_cast<void>(evaluate(instance.problem, {DeviceId(0)})), Bug);
}

/// A policy that always returns the same decision.
class Fixed final : public Policy {
  public:
    explicit Fixed(Placement placement) : placement_(std::move(placement)) {}
    [[nodiscard]] std::string_view name() const override { return "fixed"; }
    [[nodiscard]] Decision decide(const Problem& problem) const override {
        Decision decision = evaluate(problem, placement_);
        decision.feasible = true;
        return decision;
    }

  private:
    Placement placement_;
};

/// All blocks are on device 0 and all links are down; the policy moves all blocks to device 1.
struct DeadLinks {
    explicit DeadLinks(CostProfile profile) : instance(testing::planted_instance({}, 3, profile)) {
        Problem& problem = instance.problem;
        for (Snapshot::Device& device : problem.snapshot.devices) {
            device.memory = Bytes{1} << 40;
            device.compute = 1'000'000'000'000;
        }
        for (Snapshot::Link& link : problem.snapshot.links) {
            link.bandwidth = 0;
        }
        problem.t_budget_s = 1e9;
        problem.previous = Placement(problem.blocks->size(), DeviceId(0));
    }
    [[nodiscard]] Placement elsewhere() const {
        return Placement(instance.problem.blocks->size(), DeviceId(1));
    }
    testing::Instance instance;
};

class Never : public ::testing::TestWithParam<CostProfile> {};

TEST_P(Never, keeps_the_previous_placement_if_a_migration_would_not_end) {
    DeadLinks dead(GetParam());
    const Problem& problem = dead.instance.problem;
    const Decision decision = decide(Fixed(dead.elsewhere()), problem);
    EXPECT_TRUE(decision.feasible);
    EXPECT_EQ(decision.placement, *problem.previous);
    EXPECT_NE(explanation_text(decision.why).find("never arrives"), std::string::npos)
        << explanation_text(decision.why);
}

TEST_P(Never, is_infeasible_if_the_previous_placement_does_not_fit) {
    DeadLinks dead(GetParam());
    dead.instance.problem.snapshot.devices[0].memory = 1;
    const Decision decision = decide(Fixed(dead.elsewhere()), dead.instance.problem);
    EXPECT_FALSE(decision.feasible);
}

TEST_P(Never, keeps_the_previous_placement_if_no_placement_ends) {
    DeadLinks dead(GetParam());
    for (Snapshot::Link& link : dead.instance.problem.snapshot.links) {
        link.bandwidth = 1'000'000;
    }
    for (Snapshot::Device& device : dead.instance.problem.snapshot.devices) {
        device.compute = 0;
    }
    const Decision decision = decide(Fixed(dead.elsewhere()), dead.instance.problem);
    EXPECT_EQ(decision.placement, *dead.instance.problem.previous);
}

TEST_P(Never, does_not_change_a_decision_that_ends) {
    DeadLinks dead(GetParam());
    for (Snapshot::Link& link : dead.instance.problem.snapshot.links) {
        link.bandwidth = 1'000'000;
    }
    const Decision decision = decide(Fixed(dead.elsewhere()), dead.instance.problem);
    EXPECT_EQ(decision.placement, dead.elsewhere());
}

INSTANTIATE_TEST_SUITE_P(
    Profiles, Never, ::testing::Values(CostProfile::physical, CostProfile::paper)
);

} // namespace
} // namespace headroom::scheduler
