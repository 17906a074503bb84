// The report about decision quality: statistics on hand examples, and verdicts that can fail.
#include <functional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "scheduler/timing/evaluate.hpp"
#include "tests/scheduler/instances/instances.hpp"
#include "tests/scheduler/instances/quality.hpp"

namespace headroom::scheduler {
namespace {

using testing::CellQuality;
using testing::Distribution;
using testing::distribution_of;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::missed_limits;
using testing::ProvenShare;
using testing::quality_of;
using testing::QualityAnswer;
using testing::QualityCell;
using testing::Trial;

constexpr QualityCell kCell{3, 2, 1.15};

TEST(Distribution, is_right_on_a_hand_example) {
    const Distribution four = distribution_of({{1.5, 7}, {1.0, 8}, {1.1, 9}, {1.2, 10}});
    EXPECT_EQ(four.number, 4);
    EXPECT_DOUBLE_EQ(four.mean, 1.2);
    EXPECT_DOUBLE_EQ(four.median, 1.15);
    EXPECT_EQ(four.p95, 1.5); // 3 of 4 are only 75 %
    EXPECT_EQ(four.max, 1.5);
    EXPECT_EQ(four.worst_seed, 7U);
}

TEST(Distribution, has_the_95th_of_a_hundred_and_the_first_of_equal_seeds) {
    std::vector<testing::Ratio> ratios;
    for (std::uint64_t k = 1; k <= 100; ++k) {
        ratios.push_back({static_cast<double>(k), k});
    }
    EXPECT_EQ(distribution_of(ratios).p95, 95.0);
    EXPECT_EQ(distribution_of(ratios).median, 50.5);
    ratios.push_back({100.0, 3});
    EXPECT_EQ(distribution_of(ratios).p95, 96.0); // 95 of 101 are less than 95 %
    EXPECT_EQ(distribution_of(ratios).worst_seed, 3U);
    EXPECT_EQ(distribution_of({{1.25, 4}}).p95, 1.25);
    EXPECT_EQ(distribution_of({}).number, 0);
}

QualityAnswer exactly(double objective) {
    return {.feasible = true, .objective = objective, .proven = true, .bound = objective};
}

/// Two policies: resource_aware and greedy.
const std::vector<PolicyKind> kPolicies = {PolicyKind::resource_aware, PolicyKind::greedy};

/// Ratios of resource_aware over the optimum 1.00, 1.01, 1.02; of greedy 2, 3, 4; one instance
/// that is not proven, with ratios 1.1 and 5 over its bound.
std::vector<Trial> good_trials() {
    std::vector<Trial> trials;
    for (std::uint64_t k = 0; k < 3; ++k) {
        const auto worse = static_cast<double>(k);
        trials.push_back(
            {.seed = 20 + k,
             .heads = 8,
             .exact = exactly(10.0),
             .answers =
                 {{.feasible = true, .objective = 10.0 + 0.1 * worse, .cpu_ms = 1.0 + worse},
                  {.feasible = true, .objective = 20.0 + 10.0 * worse}}}
        );
    }
    trials.push_back(
        {.seed = 23,
         .heads = 16,
         .exact = {.feasible = true, .objective = 10.5, .proven = false, .bound = 10.0},
         .answers =
             {{.feasible = true, .objective = 11.0, .cpu_ms = 4.0},
              {.feasible = true, .objective = 50.0}}}
    );
    return trials;
}

TEST(CellQuality, is_right_on_a_hand_example) {
    const CellQuality quality = quality_of(kCell, kPolicies, good_trials());
    EXPECT_EQ(quality.number, 4);
    EXPECT_EQ(quality.proven, 3);
    ASSERT_EQ(quality.policies.size(), 2U);
    const testing::PolicyQuality& ours = quality.policies[0];
    EXPECT_EQ(ours.ratio_to_optimum.number, 3);
    EXPECT_DOUBLE_EQ(ours.ratio_to_optimum.mean, 1.01);
    EXPECT_DOUBLE_EQ(ours.ratio_to_optimum.max, 1.02);
    EXPECT_EQ(ours.ratio_to_optimum.worst_seed, 22U);
    EXPECT_EQ(ours.ratio_to_bound.number, 1);
    EXPECT_DOUBLE_EQ(ours.ratio_to_bound.max, 1.1);
    EXPECT_EQ(ours.ratio_to_best_known.number, 1); // exact knows 10.5 and has not proven it
    EXPECT_DOUBLE_EQ(ours.ratio_to_best_known.max, 11.0 / 10.5);
    EXPECT_DOUBLE_EQ(ours.median_cpu_ms, 2.5);
    EXPECT_DOUBLE_EQ(quality.policies[1].ratio_to_optimum.mean, 3.0);
    EXPECT_THAT(missed_limits(quality), IsEmpty()); // greedy has no limits
}

TEST(CellQuality, of_a_bad_policy_fails_the_verdict) {
    std::vector<Trial> trials = good_trials();
    for (Trial& trial : trials) {
        std::swap(trial.answers[0], trial.answers[1]); // resource_aware has the answers of greedy
    }
    EXPECT_THAT(
        missed_limits(quality_of(kCell, kPolicies, trials)),
        ElementsAre(
            "3x2x1.15: resource_aware's mean is 3.0000, at most 1.02 wanted",
            "3x2x1.15: resource_aware's p95 is 4.0000, at most 1.05 wanted",
            "3x2x1.15: resource_aware's maximum is 4.0000, at most 1.15 wanted"
        )
    );
}

TEST(CellQuality, of_each_single_fault_fails_the_verdict) {
    const auto complaint_of = [](const std::function<void(std::vector<Trial>&)>& spoil) {
        std::vector<Trial> trials = good_trials();
        spoil(trials);
        const auto all = missed_limits(quality_of(kCell, kPolicies, trials));
        return all.size() == 1 ? all.front() : std::to_string(all.size()) + " complaints";
    };
    EXPECT_THAT(
        complaint_of([](auto& trials) { trials[0].answers[0].feasible = false; }),
        HasSubstr("resource_aware: 1 infeasible answers")
    );
    EXPECT_THAT(
        complaint_of([](auto& trials) { trials[0].answers[1].accepted = false; }),
        HasSubstr("greedy: 1 answers refused by validate")
    );
    EXPECT_THAT(
        complaint_of([](auto& trials) { trials[0].answers[0].objective = 9.99; }),
        HasSubstr("resource_aware: 1 answers below a bound or a proven optimum")
    );
    EXPECT_THAT(
        complaint_of([](auto& trials) { trials[3].answers[0].objective = 9.99; }),
        HasSubstr("1 answers below a bound or a proven optimum")
    );
    EXPECT_THAT(
        complaint_of([](auto& trials) { trials[3].root_bound = 11.01; }),
        HasSubstr("resource_aware: 1 answers below a bound or a proven optimum")
    );
    EXPECT_THAT(
        complaint_of([](auto& trials) { trials[0].exact.feasible = false; }),
        HasSubstr("exact: 1 infeasible answers")
    );
}

TEST(CellQuality, has_the_higher_bound_and_what_the_root_bound_is_worth) {
    std::vector<Trial> trials = good_trials();
    trials[0].root_bound = 8.0;
    trials[3].root_bound = 10.4; // exact has the bound 10.0 and the objective 10.5
    trials.push_back(
        {.seed = 24,
         .heads = 8,
         .answers = {{.feasible = true, .objective = 12.0}, {.feasible = true, .objective = 15.0}},
         .exact_asked = false,
         .root_bound = 10.0,
         .root_cpu_ms = 3.0}
    );
    const CellQuality quality = quality_of(kCell, kPolicies, trials);
    EXPECT_EQ(quality.number, 5);
    EXPECT_EQ(quality.exact_asked, 4);
    EXPECT_EQ(quality.exact_infeasible, 0);
    EXPECT_EQ(quality.policies[0].ratio_to_bound.number, 1);
    EXPECT_EQ(quality.policies[0].ratio_to_best_bound.number, 2);
    EXPECT_DOUBLE_EQ(quality.policies[0].ratio_to_best_bound.mean, (11.0 / 10.4 + 1.2) / 2);
    EXPECT_DOUBLE_EQ(quality.optimum_to_root.max, 1.25);
    EXPECT_DOUBLE_EQ(quality.best_to_root.mean, (10.5 / 10.4 + 1.2) / 2);
    EXPECT_THAT(missed_limits(quality), IsEmpty());
}

TEST(CellQuality, has_one_as_ratio_of_the_best_policy_where_exact_was_not_asked) {
    std::vector<Trial> trials = good_trials();
    for (Trial& trial : trials) {
        trial.exact = {};
        trial.exact_asked = false;
    }
    const CellQuality quality = quality_of(kCell, kPolicies, trials);
    EXPECT_EQ(quality.policies[0].ratio_to_best_known.number, 4);
    EXPECT_EQ(quality.policies[0].ratio_to_best_known.max, 1.0);
    EXPECT_DOUBLE_EQ(quality.policies[1].ratio_to_best_known.max, 50.0 / 11.0);
}

TEST(CellQuality, has_a_stricter_mean_for_large_cells) {
    std::vector<Trial> trials = good_trials();
    trials[2].answers[0].objective = 10.4; // the mean of the three proven ones is 1.0167
    EXPECT_THAT(missed_limits(quality_of({5, 4, 1.15}, kPolicies, trials)), IsEmpty());
    EXPECT_THAT(
        missed_limits(quality_of({6, 4}, kPolicies, trials)),
        ElementsAre("6x4: resource_aware's mean is 1.0167, at most 1.01 wanted")
    );
}

TEST(FarAnswers, are_those_above_the_ratio_with_what_repeats_their_problem) {
    std::vector<Trial> trials = good_trials();
    trials[3].memory_factor = 1.5;
    const auto far = testing::far_answers({PolicyKind::resource_aware}, trials, 1.02);
    ASSERT_EQ(far.size(), 1U); // the ratio 1.02 of seed 22 is not above 1.02
    EXPECT_EQ(far[0].policy, PolicyKind::resource_aware);
    EXPECT_EQ(far[0].seed, 23U);
    EXPECT_EQ(far[0].heads, 16);
    EXPECT_EQ(far[0].memory_factor, 1.5);
    EXPECT_DOUBLE_EQ(far[0].ratio, 11.0 / 10.5);
    EXPECT_FALSE(far[0].proven);
    // Twin: a lower limit finds the proven ones that are not optimal, too, and not the optimal one.
    EXPECT_EQ(testing::far_answers({PolicyKind::resource_aware}, trials, 1.0).size(), 3U);
    trials[3].answers[0].feasible = false; // an infeasible answer has no ratio
    EXPECT_THAT(testing::far_answers({PolicyKind::resource_aware}, trials, 1.02), IsEmpty());
}

TEST(ProvenShare, counts_small_instances_only) {
    ProvenShare share;
    EXPECT_THAT(missed_limits(share), IsEmpty());
    std::vector<Trial> trials = good_trials();
    trials[3].heads = 32; // the unproven one
    share.add(kCell, trials);
    share.add({3, 4, 1.15}, good_trials());
    share.add({12, 2}, good_trials());
    EXPECT_EQ(share.number, 3);
    EXPECT_EQ(share.proven, 3);
    EXPECT_THAT(missed_limits(share), IsEmpty());
    share.add(kCell, good_trials()); // 6 of 7
    EXPECT_THAT(missed_limits(share), ElementsAre(HasSubstr("exact proves 85.7 %")));
}

TEST(QualityCells, are_those_of_the_definition) {
    const auto cells = testing::all_quality_cells();
    EXPECT_EQ(cells.size(), 27U);
    EXPECT_EQ(testing::name_of(cells.front()), "3x1x1.15");
    EXPECT_EQ(testing::name_of(cells.back()), "5x4x3");
    EXPECT_EQ(testing::heads_of(0), 8);
    EXPECT_EQ(testing::heads_of(5), 32);
}

TEST(QualityCells, of_large_problems_take_turns_with_memory_factors) {
    const auto cells = testing::large_quality_cells();
    EXPECT_EQ(cells.size(), 6U);
    EXPECT_EQ(testing::name_of(cells.front()), "6x4");
    EXPECT_EQ(testing::name_of(cells.back()), "25x8");
    std::set<std::pair<double, std::int32_t>> kinds;
    for (std::uint64_t seed = 100; seed < 109; ++seed) {
        kinds.insert({testing::memory_factor_of(cells[0], seed), testing::heads_of(seed)});
        EXPECT_EQ(testing::memory_factor_of({6, 4, 2.0}, seed), 2.0);
    }
    EXPECT_EQ(kinds.size(), 9U);
    EXPECT_EQ(testing::memory_factor_of(cells[0], 4), 1.5);
}

TEST(QualityCells, have_their_search_nodes_by_their_size) {
    EXPECT_EQ(testing::node_limit_of({5, 4, 1.15}), 200'000);
    EXPECT_EQ(testing::node_limit_of({6, 4}), 300'000);
    EXPECT_EQ(testing::node_limit_of({12, 2}), 300'000);
}

TEST(QualityAnswer, is_judged_from_the_placement_and_not_from_what_the_policy_says) {
    const testing::Instance instance = testing::planted_instance({3, 1, 8, 1.15}, 1);
    Decision decision = evaluate(instance.problem, instance.planted);
    decision.inference = 1;
    const QualityAnswer answer = testing::answer_of(instance.problem, decision);
    EXPECT_TRUE(answer.feasible && answer.accepted);
    EXPECT_EQ(answer.objective, objective(instance.problem, instance.planted));
    // Twin: a placement that does not fit is refused.
    testing::Instance tight = testing::planted_instance({3, 1, 8, 1.15}, 1);
    tight.problem.snapshot.devices[instance.planted[0].index()].memory = 0;
    EXPECT_FALSE(testing::answer_of(tight.problem, decision).accepted);
}

} // namespace
} // namespace headroom::scheduler
