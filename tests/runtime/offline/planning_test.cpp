// A plan from a previous placement makes the decision that a run makes there, and its sums are
// consistent. Traces of other fleets and models are refused.
#include <functional>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.hpp"
#include "runtime/offline/planning.hpp"
#include "runtime/offline/simulate.hpp"
#include "support/fleet_run.hpp"
#include "support/tiny_model.hpp"

namespace headroom {
namespace {

using runtime::Plan;
using runtime::PolicyPlan;
using runtime::WrittenPlacement;
using scheduler::PolicyKind;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

std::filesystem::path model_path() {
    const auto path = support::temporary_path("planning.gguf");
    if (!std::filesystem::exists(path)) {
        support::write_tiny_model(path, support::tiny_shape());
    }
    return path;
}

/// A scenario in which loads and links vary, a device loses memory and a link becomes slow.
config::Scenario scenario_of(std::uint64_t seed, const std::string& policy) {
    support::FleetText text;
    text.model = model_path();
    text.devices = 3 + static_cast<int>(seed % 2);
    text.interval = 1 + static_cast<std::int64_t>(seed % 3);
    text.tokens = 11;
    text.policy = policy;
    text.memory = "256 KiB";
    text.controller = seed % 2 == 0 ? "weights = \"move\"\n" : "weights = \"everywhere\"\n";
    text.controller += seed % 3 == 0 ? "granularity = \"sliced\"\nslices = 2\n" : "";
    text.extra = "[[event]]\nat_token = 4\ndevice = \"d1\"\nkind = \"memory\"\nfactor = 0.7\n"
                 "[[event]]\nat_token = 2\nlink = [\"d0\", \"d1\"]\nkind = \"bandwidth\"\n"
                 "factor = 0.1\n";
    config::Scenario scenario = support::make_scenario(text);
    scenario.seed = seed;
    return scenario;
}

trace::Trace simulated(const config::Scenario& scenario) {
    trace::MemorySink sink;
    const auto policy = scheduler::make_policy(scenario.controller.policy);
    runtime::RunOptions options;
    options.scenario = &scenario;
    options.policy = policy.get();
    options.sink = &sink;
    const runtime::RunOutcome outcome = runtime::simulate(options);
    EXPECT_EQ(outcome.exit_code, 0) << outcome.message;
    return trace::trace_of(sink);
}

Plan planned_from(
    const config::Scenario& scenario, const WrittenPlacement& written, std::int64_t at
) {
    const runtime::WorkloadDescription workload = runtime::describe_workload(scenario);
    const scheduler::Blocks blocks(workload.shape, scenario.controller.cut());
    return runtime::plan(
        scenario,
        workload,
        {{scenario.controller.policy},
         at,
         runtime::previous_placement(written, scenario.fleet, blocks)}
    );
}

/// Returns the first difference between a decision of the trace and the plan for it, or "".
std::string difference_of(const PolicyPlan& plan, const trace::Interval& interval) {
    const trace::IntervalRow& row = interval.row;
    if (plan.decision.feasible != (row.feasible == 1)) {
        return "feasible";
    }
    if (plan.stay->inference != row.kept_inference_ns) {
        return "staying put";
    }
    if (!plan.decision.feasible) {
        return "";
    }
    std::vector<std::int32_t> placement;
    for (const DeviceId device : plan.decision.placement) {
        placement.push_back(device.value);
    }
    if (placement != interval.placement) {
        return "placement";
    }
    if (plan.decision.inference != row.predicted_inference_ns ||
        plan.decision.migration != row.predicted_migration_ns) {
        return "prediction";
    }
    Nanoseconds last = 0;
    for (const scheduler::MoveRecord& record : plan.moves) {
        last = std::max(last, record.end);
    }
    return plan.moves.size() == interval.migrations.size() && last == plan.decision.migration
               ? ""
               : "moves";
}

/// Returns the differences of all decisions but the first. shift: a deliberate fault: the plan is
/// made for this many tokens later.
std::vector<std::string> differences_of(
    const config::Scenario& scenario, const trace::Trace& trace, std::int64_t shift
) {
    std::vector<std::string> found;
    for (std::size_t i = 1; i < trace.intervals.size(); ++i) {
        const trace::Interval& interval = trace.intervals[i];
        const std::int64_t at = interval.row.first_token + shift;
        const WrittenPlacement written = runtime::placement_in_force(trace, "t.h5", at);
        const Plan plan = planned_from(scenario, written, at);
        if (const std::string what = difference_of(plan.policies.front(), interval);
            !what.empty()) {
            found.push_back(fmt::format("at token {}: {}", at, what));
        }
    }
    return found;
}

TEST(Planning, decides_at_any_token_of_a_trace_as_the_run_did) {
    std::int64_t moved = 0;
    for (std::uint64_t seed = 0; seed < 6; ++seed) {
        for (const char* const policy : {"resource_aware", "greedy", "static"}) {
            const config::Scenario scenario = scenario_of(seed, policy);
            const trace::Trace trace = simulated(scenario);
            EXPECT_THAT(differences_of(scenario, trace, 0), IsEmpty())
                << "seed " << seed << ", " << policy;
            for (const trace::Interval& interval : trace.intervals) {
                moved += interval.row.moves;
            }
        }
    }
    EXPECT_GT(moved, 0) << "nothing ever moved, so nothing was shown";
}

TEST(Planning, twin_a_token_too_late_is_another_decision) {
    const config::Scenario scenario = scenario_of(2, "greedy");
    EXPECT_THAT(differences_of(scenario, simulated(scenario), 1), Not(IsEmpty()));
}

/// Returns what is wrong with the sums of a plan, or "".
std::string fault_of(const Plan& plan) {
    for (const PolicyPlan& policy : plan.policies) {
        if (!policy.decision.feasible) {
            continue;
        }
        const Nanoseconds whole =
            policy.decision.migration + plan.steps * policy.decision.inference;
        if (std::abs(policy.objective_s * 1e9 - static_cast<double>(whole)) > 1) {
            return "an objective is not its migration and its steps";
        }
        if (plan.bound_s && policy.gap &&
            (*policy.gap < -1e-9 ||
             std::abs(*plan.bound_s * (1 + *policy.gap) - policy.objective_s) > 1e-9)) {
            return "a gap is not that of the objective";
        }
        if (policy.moves.empty() && policy.objective_s != policy.stay->objective_s) {
            return "who moves nothing does not stay put";
        }
    }
    return "";
}

Plan planned_from_round_robin() {
    config::Scenario scenario = scenario_of(2, "greedy");
    scenario.controller.interval = 60; // long enough for a migration to pay for itself
    const runtime::WorkloadDescription workload = runtime::describe_workload(scenario);
    return runtime::plan(
        scenario,
        workload,
        {{PolicyKind::exact, PolicyKind::resource_aware, PolicyKind::greedy, PolicyKind::ring},
         3,
         runtime::first_choice(scenario, workload, PolicyKind::round_robin)}
    );
}

TEST(Planning, objectives_and_gaps_include_the_migration) {
    const Plan plan = planned_from_round_robin();
    ASSERT_TRUE(plan.bound_s);
    EXPECT_EQ(fault_of(plan), "");
    EXPECT_FALSE(plan.policies.front().moves.empty());
}

TEST(Planning, twin_an_objective_without_its_migration_is_found) {
    Plan plan = planned_from_round_robin();
    PolicyPlan& exact = plan.policies.front();
    exact.objective_s -= static_cast<double>(exact.decision.migration) / 1e9;
    EXPECT_NE(fault_of(plan), "");
}

TEST(Planning, a_first_placement_has_no_previous_placement_and_no_moves) {
    const config::Scenario scenario = scenario_of(2, "greedy");
    const Plan plan = runtime::plan(
        scenario, runtime::describe_workload(scenario), {{PolicyKind::greedy}, 0, {}}
    );
    EXPECT_FALSE(plan.policies.front().stay);
    EXPECT_TRUE(plan.policies.front().moves.empty());
}

TEST(Planning, first_choice_throws_if_the_policy_finds_no_placement) {
    config::Scenario scenario = scenario_of(1, "greedy");
    const runtime::WorkloadDescription workload = runtime::describe_workload(scenario);
    EXPECT_THROW(
        (void)runtime::first_choice(scenario, workload, PolicyKind::galaxy), InfeasibleError
    );
}

/// A trace of two sequences with two intervals each and two tokens per interval. In interval i all
/// blocks are on device i.
trace::Trace small_trace() {
    trace::Trace trace;
    trace.header.devices = {{"a"}, {"b"}, {"c"}, {"d"}};
    trace.header.blocks = {{"embed"}, {"lm_head"}};
    for (std::int32_t i = 0; i < 4; ++i) {
        trace::Interval interval;
        interval.row.sequence = i / 2;
        interval.row.first_token = 2 * i;
        interval.row.t_dec = 100 * i;
        interval.placement = {i, i};
        if (i % 2 == 0) {
            interval.tokens.push_back({i / 2, 0, 7, 0, 0, 1, 0});
        }
        for (std::int64_t k = 1; k <= 2; ++k) {
            interval.tokens.push_back({i / 2, k, 7, 0, 100 * i + 10 * k, 0, 0});
        }
        trace.intervals.push_back(interval);
    }
    return trace;
}

struct InForce {
    std::optional<std::int64_t> at;
    std::int32_t device;
    std::int64_t sampled;
    Nanoseconds clock;
};

TEST(PlacementInForce, is_the_one_under_which_the_token_was_sampled) {
    const trace::Trace trace = small_trace();
    for (const InForce& want :
         {InForce{0, 0, 0, 0},
          InForce{1, 0, 1, 10},
          InForce{2, 0, 2, 20},
          InForce{3, 1, 3, 110},
          InForce{4, 1, 4, 120},
          InForce{std::nullopt, 1, 4, 120}}) {
        const WrittenPlacement found = runtime::placement_in_force(trace, "t.h5", want.at);
        EXPECT_EQ(found.placement.front(), want.device) << want.sampled;
        EXPECT_EQ(found.at, want.sampled);
        EXPECT_EQ(found.clock, want.clock);
    }
}

std::string message_of(const std::function<void()>& action) {
    try {
        action();
    } catch (const InputError& error) {
        return error.what();
    }
    return "";
}

TEST(PlacementInForce, refuses_a_token_after_the_end_and_a_trace_without_decisions) {
    const trace::Trace trace = small_trace();
    EXPECT_THAT(
        message_of([&] { (void)runtime::placement_in_force(trace, "t.h5", 5); }),
        HasSubstr("--at 5: t.h5 ends after 4 tokens")
    );
    EXPECT_THAT(
        message_of([&] { (void)runtime::placement_in_force({}, "t.h5", {}); }),
        HasSubstr("nothing was decided in it")
    );
}

TEST(PreviousOf, accepts_matching_placements_and_refuses_others) {
    const config::Scenario scenario = scenario_of(2, "greedy");
    const runtime::WorkloadDescription workload = runtime::describe_workload(scenario);
    const scheduler::Blocks blocks(workload.shape, scenario.controller.cut());
    const WrittenPlacement good =
        runtime::placement_in_force(simulated(scenario), "t.h5", std::nullopt);
    const auto told = [&](const std::function<void(WrittenPlacement&)>& change) {
        WrittenPlacement written = good;
        change(written);
        return message_of([&] {
            (void)runtime::previous_placement(written, scenario.fleet, blocks);
        });
    };
    EXPECT_EQ(told([](WrittenPlacement&) {}), "");
    EXPECT_EQ(told([](WrittenPlacement& w) { w.weights.clear(); }), "");
    EXPECT_THAT(
        told([](WrittenPlacement& w) { w.devices.emplace_back("more"); }),
        HasSubstr("is of 4 devices, the scenario has 3")
    );
    EXPECT_THAT(
        told([](WrittenPlacement& w) { w.devices[1] = "other"; }),
        HasSubstr("device 1 is other there and d1 in the scenario")
    );
    EXPECT_THAT(
        told([](WrittenPlacement& w) { w.blocks[1] = "L0.s0"; }),
        HasSubstr("block 1 is L0.s0 there and L0.g0 in the scenario")
    );
    EXPECT_THAT(
        told([](WrittenPlacement& w) { w.blocks.pop_back(); }), HasSubstr("blocks, the scenario")
    );
    EXPECT_THAT(told([](WrittenPlacement& w) { w.weights[2] *= 2; }), HasSubstr("L0.g1 has "));
    EXPECT_THAT(told([](WrittenPlacement& w) { w.placement.pop_back(); }), HasSubstr("places "));
    EXPECT_THAT(
        told([](WrittenPlacement& w) { w.placement[0] = 3; }),
        HasSubstr("embed is on device 3; expected a device from 0 to 2")
    );
    EXPECT_THAT(
        told([](WrittenPlacement& w) { w.placement[0] = -1; }), HasSubstr("is on device -1")
    );
}

} // namespace
} // namespace headroom
