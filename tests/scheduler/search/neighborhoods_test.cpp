// The neighbourhoods of the searches, the limits on their work, and what an observer sees and
// leaves out.
#include <cstdint>
#include <map>
#include <set>
#include <string_view>
#include <tuple>
#include <vector>

#include <gtest/gtest-spi.h>
#include <gtest/gtest.h>

#include "scheduler/core/validate.hpp"
#include "scheduler/cost/round_cost.hpp"
#include "scheduler/policies/resource_aware.hpp"
#include "scheduler/search/cost_model.hpp"
#include "scheduler/search/neighborhood.hpp"
#include "scheduler/search/search_state.hpp"
#include "scheduler/search/settings.hpp"
#include "scheduler/search/statistics.hpp"
#include "scheduler/timing/evaluate.hpp"
#include "tests/scheduler/instances/instances.hpp"

namespace headroom::scheduler {
namespace {

using testing::Instance;
using testing::planted_instance;
using testing::put_in_flight;
using testing::random_placement_for;

/// Returns an instance of 5 devices and 3 layers, by turns sliced and under cost profile `paper`.
Instance instance_of(std::uint64_t seed) {
    const bool sliced = seed % 3 == 1;
    return planted_instance(
        {.devices = 5,
         .layers = 3,
         .heads = 8,
         .memory_factor = 1.3,
         .granularity = sliced ? Granularity::sliced : Granularity::paper,
         .slices = 8},
        seed,
        seed % 3 == 2 ? CostProfile::paper : CostProfile::physical
    );
}

auto key(const Score& score) {
    return std::tuple(score.shortage, score.objective, score.tie_break);
}

/// Expects that the score of the state is that of its placement, computed anew by the model.
void expect_true_score(SearchState& state) {
    const Incumbent anew(state.problem(), state.step(), state.incumbent().placement());
    EXPECT_EQ(key(state.model().score(anew, nullptr)), key(state.score()));
}

/// Tries the neighbourhood until it improves nothing, and checks the state each time. Returns how
/// often it improved the incumbent.
int improve_and_check(SearchState& state, const Neighborhood& neighborhood) {
    int improved = 0;
    for (bool again = true; again; improved += again ? 1 : 0) {
        const Score before = state.score();
        state.forget_failed_sweeps();
        again = neighborhood.improve(state) && improved < 50;
        EXPECT_EQ(key(state.score()) < key(before), again) << neighborhood.name;
        expect_true_score(state);
    }
    return improved;
}

TEST(Neighborhoods, of_steps_improve_and_keep_the_score_up_to_date) {
    std::map<std::string_view, int> improved;
    for (std::uint64_t seed = 0; seed < 30; ++seed) {
        const Instance instance = instance_of(seed);
        const Problem& problem = instance.problem;
        const StepDelay step(problem);
        const auto model = step_costs(step);
        SearchSettings settings = step_settings(problem, step).polish;
        settings.evaluations = 1'000'000;
        std::vector<Neighborhood> all(settings.neighborhoods.begin(), settings.neighborhoods.end());
        all.push_back(neighborhoods::kUndoMigration);
        for (const Neighborhood& neighborhood : all) {
            SearchState state(problem, *model, settings);
            state.go_to(random_placement_for(instance, seed));
            const int times = improve_and_check(state, neighborhood);
            improved[neighborhood.name] += times;
        }
    }
    for (const auto& [name, times] : improved) {
        EXPECT_GT(times, name == "exchange_units" ? 0 : 10) << name;
    }
    EXPECT_EQ(improved.size(), 6);
}

TEST(Neighborhoods, of_rounds_improve_and_keep_the_score_up_to_date) {
    std::map<std::string_view, int> improved;
    for (std::uint64_t seed = 0; seed < 10; ++seed) {
        Instance instance = instance_of(3 * seed + seed % 2);
        Problem& problem = instance.problem;
        put_in_flight(instance, 4, seed);
        problem.aim = Aim::throughput;
        RoundModel rounds(problem, 2);
        RoundCosts model(problem, rounds, 20'000);
        SearchSettings settings = round_settings(problem, 5).descent;
        for (const Neighborhood& neighborhood : settings.neighborhoods) {
            SearchState state(problem, model, settings);
            state.go_to(instance.planted);
            improved[neighborhood.name] += improve_and_check(state, neighborhood);
        }
    }
    EXPECT_GT(improved["relocate_layers"], 5);
    EXPECT_GT(improved["relocate_devices"], 0);
}

/// Says once that it has improved the incumbent.
bool lie(SearchState& /*state*/) {
    static int calls = 0;
    return calls++ == 0;
}

TEST(Neighborhoods, check_sees_one_that_lies) {
    const Instance instance = instance_of(0);
    const StepDelay step(instance.problem);
    const auto model = step_costs(step);
    const SearchSettings settings = step_settings(instance.problem, step).first;
    SearchState state(instance.problem, *model, settings);
    state.go_to(instance.planted);
    EXPECT_NONFATAL_FAILURE(improve_and_check(state, {"lie", lie}), "lie");
}

TEST(Search, leaves_out_what_the_observer_names) {
    std::map<std::string_view, NeighborhoodStatistics> statistics;
    SearchObserver all{.left_out = {}, .statistics = &statistics};
    const Instance instance = instance_of(3);
    const Decision whole = decide_resource_aware(instance.problem, &all);
    EXPECT_EQ(whole.placement, decide_resource_aware(instance.problem).placement);
    ASSERT_TRUE(statistics.contains("relieve_layers"));
    EXPECT_GT(statistics["relieve_layers"].tried, 0);
    EXPECT_GE(statistics["relieve_layers"].tried, statistics["relieve_layers"].kept);

    statistics.clear();
    all.left_out = {"relieve_layers"};
    const Decision without = decide_resource_aware(instance.problem, &all);
    EXPECT_TRUE(validate(instance.problem, without.placement).ok());
    EXPECT_FALSE(statistics.contains("relieve_layers"));
    EXPECT_TRUE(statistics.contains("relocate_hosts"));
}

TEST(Search, statistics_cover_every_neighborhood) {
    std::map<std::string_view, NeighborhoodStatistics> statistics;
    const SearchObserver observer{.left_out = {}, .statistics = &statistics};
    for (std::uint64_t seed = 0; seed < 6; ++seed) {
        Instance instance = instance_of(seed);
        if (seed == 3) {
            put_in_flight(instance, 4, seed);
            instance.problem.aim = Aim::throughput;
        }
        (void)decide_resource_aware(instance.problem, &observer);
    }
    std::set<std::string_view> seen;
    for (const auto& [name, one] : statistics) {
        seen.insert(name);
    }
    std::set<std::string_view> all;
    for (const Neighborhood& neighborhood : neighborhoods::kAll) {
        all.insert(neighborhood.name);
    }
    EXPECT_EQ(seen, all);
}

TEST(Effort, scales_the_limits_continuously) {
    Instance instance = instance_of(0);
    Problem& problem = instance.problem;
    const StepDelay step(problem);
    const StepSettings usual = step_settings(problem, step);
    problem.effort = 2.5;
    const StepSettings more = step_settings(problem, step);
    EXPECT_EQ(2 * more.first.evaluations, 5 * usual.first.evaluations);
    EXPECT_EQ(2 * more.polish.perturbing, 5 * usual.polish.perturbing);
    EXPECT_EQ(2 * more.polish.relaxation_operations, 5 * usual.polish.relaxation_operations);
    EXPECT_EQ(
        2 * round_settings(problem, 5).descent.evaluations,
        5 * round_settings(instance_of(0).problem, 5).descent.evaluations
    );
    problem.effort = 1e-6;
    const StepSettings least = step_settings(problem, step);
    EXPECT_GE(least.first.evaluations, 1);
    EXPECT_EQ(least.polish.relaxation_operations, 0);
    EXPECT_TRUE(decide_resource_aware(problem).feasible);
}

TEST(Effort, is_spent) {
    std::int64_t before = 0;
    for (const double effort : {0.1, 1.0, 10.0}) {
        std::int64_t evaluations = 0;
        for (std::uint64_t seed = 0; seed < 6; ++seed) {
            Instance instance = instance_of(seed);
            instance.problem.effort = effort;
            evaluations += decide_resource_aware(instance.problem).evaluations;
        }
        EXPECT_GT(evaluations, before) << effort;
        before = evaluations;
    }
}

} // namespace
} // namespace headroom::scheduler
