// A replay detects every change of a trace, and a counterfactual equals a run under the other
// policy. That the replay of an unchanged trace is identical is checked after every run of a test
// (support/replay_check.hpp).
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.hpp"
#include "runtime/offline/recording.hpp"
#include "runtime/offline/replay.hpp"
#include "support/fleet_run.hpp"
#include "support/random_scenario.hpp"
#include "support/simulated_run.hpp"
#include "support/tiny_model.hpp"
#include "trace/analysis/compare.hpp"
#include "trace/records/columns.hpp"

namespace headroom {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

config::Scenario scenario_of(const std::string& policy) {
    support::FleetText text;
    text.model = support::tiny_model_file();
    text.policy = policy;
    text.tokens = 12;
    text.interval = 3;
    text.prompt = "Once upon a time\", \"There was";
    // Forces blocks to leave this device.
    text.extra = "[[event]]\nat_token = 4\ndevice = \"d0\"\nkind = \"memory\"\nfactor = 0.003\n";
    return support::make_scenario(text);
}

struct Recorded {
    config::Scenario scenario = scenario_of("resource_aware");
    trace::Trace trace = support::run_fleet(scenario).trace;
    std::unique_ptr<scheduler::Policy> policy = scheduler::make_policy(scenario.controller.policy);

    [[nodiscard]] std::vector<std::string> replayed(const trace::Trace& changed) const {
        return runtime::replay(changed, scenario, *policy).differences;
    }
};

const Recorded& recorded() {
    static const Recorded once;
    return once;
}

TEST(Replay, catches_a_flipped_decision) {
    for (std::size_t i = 0; i < recorded().trace.intervals.size(); ++i) {
        trace::Trace flipped = recorded().trace;
        std::int32_t& device = flipped.intervals[i].placement[5];
        const std::int32_t before = device;
        device = (device + 1) % 3;
        EXPECT_THAT(
            recorded().replayed(flipped),
            testing::ElementsAre(fmt::format(
                "intervals[{}].placement[5]: {} on d{} ({}) | d{} ({})",
                i,
                flipped.header.blocks[5].name,
                device,
                device,
                before,
                before
            ))
        );
    }
}

/// Returns whether the replay finds a difference or refuses the trace.
bool is_found(const trace::Trace& changed) {
    try {
        return !recorded().replayed(changed).empty();
    } catch (const InputError&) {
        return true;
    }
}

/// Changes one value in each column of a table. The replay must find the change, except in columns
/// that it takes as recorded.
template <class Row>
void expect_found(
    std::vector<Row> trace::Interval::*rows, const std::vector<std::string>& as_recorded
) {
    trace::for_each_column<Row>([&]<class T>(const trace::Column<Row, T>& column) {
        if constexpr (!std::is_same_v<T, std::string>) {
            const std::string name = std::string(trace::Table<Row>::name) + "." + column.name;
            trace::Trace changed = recorded().trace;
            bool any = false;
            for (trace::Interval& interval : changed.intervals) {
                if (!any && !(interval.*rows).empty()) {
                    (interval.*rows).back().*(column.member) += 1;
                    any = true;
                }
            }
            ASSERT_TRUE(any) << name << ": no row to change";
            const bool free =
                trace::is_host_column(column.name) ||
                std::find(as_recorded.begin(), as_recorded.end(), name) != as_recorded.end();
            if (!free) {
                EXPECT_TRUE(is_found(changed)) << name;
            }
        }
    });
}

TEST(Replay, finds_every_changed_value) {
    expect_found<trace::ResourceRow>(&trace::Interval::resources, {});
    expect_found<trace::LinkStateRow>(&trace::Interval::link_states, {});
    expect_found<trace::MigrationRow>(&trace::Interval::migrations, {"migrations.checksum"});
    expect_found<trace::TurnRow>(&trace::Interval::turns, {});
    expect_found<trace::TokenRow>(
        &trace::Interval::tokens, {"tokens.id", "tokens.logits_checksum"}
    );
    expect_found<trace::RequestRow>(&trace::Interval::requests, {"requests.prompt_bytes"});
    expect_found<trace::OpRow>(&trace::Interval::ops, {});
    expect_found<trace::MessageRow>(&trace::Interval::messages, {});
}

TEST(Replay, finds_missing_and_added_intervals) {
    trace::Trace less = recorded().trace;
    less.intervals.pop_back();
    EXPECT_THAT(recorded().replayed(less), Not(IsEmpty())) << "finished, but not to its end";
    trace::Trace more = recorded().trace;
    more.intervals.push_back(more.intervals.back());
    EXPECT_THAT(recorded().replayed(more), Not(IsEmpty()));
    less.completion = trace::Completion::running;
    EXPECT_THAT(recorded().replayed(less), IsEmpty()) << "killed";
}

TEST(Replay, reads_the_fleet_from_the_trace_alone) {
    const trace::Trace& trace = recorded().trace;
    const config::Scenario again = runtime::recorded_scenario(trace.header, {});
    EXPECT_THAT(runtime::replay(trace, again, *recorded().policy).differences, IsEmpty());
    config::Scenario slower = again;
    slower.fleet.devices[0].compute.base -= 1;
    EXPECT_THAT(runtime::replay(trace, slower, *recorded().policy).differences, Not(IsEmpty()));
}

TEST(Replay, of_an_older_trace_says_what_is_missing) {
    trace::Trace old = recorded().trace;
    old.header.model.clear();
    try {
        (void)recorded().replayed(old);
        FAIL() << "nothing was missed";
    } catch (const InputError& error) {
        EXPECT_THAT(error.what(), HasSubstr("schema version"));
    }
}

trace::Trace imagined(
    const trace::Trace& trace, const config::Scenario& scenario, int* exit_code = nullptr
) {
    trace::MemorySink sink;
    const auto policy = scheduler::make_policy(scenario.controller.policy);
    runtime::RunOptions options;
    options.scenario = &scenario;
    options.policy = policy.get();
    options.sink = &sink;
    options.trace_ops = true;
    const runtime::RunOutcome outcome = runtime::replay_under(trace, options);
    if (exit_code != nullptr) {
        *exit_code = outcome.exit_code;
    }
    return trace::trace_of(sink);
}

/// Compares without the attributes that mark a counterfactual and without checksums.
std::vector<std::string> difference_of(trace::Trace run, trace::Trace counterfactual) {
    for (trace::Trace* const trace : {&run, &counterfactual}) {
        for (const char* const name :
             {"execution",
              "recorded_execution",
              "recorded_policy",
              "recorded_policy_version",
              "counterfactual_requests"}) {
            trace->header.attributes.erase(name);
        }
        for (trace::Interval& interval : trace->intervals) {
            for (trace::MigrationRow& move : interval.migrations) {
                move.checksum = 0;
            }
        }
    }
    return trace::differences(run, counterfactual);
}

TEST(Counterfactual, equals_a_run_under_its_policy) {
    for (const char* const policy : {"resource_aware", "greedy", "ring", "edgeshard", "static"}) {
        SCOPED_TRACE(policy);
        const config::Scenario scenario = scenario_of(policy);
        const trace::Trace run = support::run_fleet(scenario).trace;
        const trace::Trace counterfactual = imagined(recorded().trace, scenario);
        EXPECT_THAT(difference_of(run, counterfactual), IsEmpty());
        EXPECT_EQ(counterfactual.header.attributes.at("execution"), "counterfactual");
        EXPECT_EQ(counterfactual.header.attributes.at("recorded_policy"), "resource_aware");
        EXPECT_EQ(
            counterfactual.header.attributes.at("recorded_policy_version"),
            recorded().policy->version()
        );
        const auto decided = scheduler::make_policy(scenario.controller.policy);
        EXPECT_THAT(runtime::replay(counterfactual, scenario, *decided).differences, IsEmpty());
    }
}

/// Returns a scenario that decides after 3 tokens, exactly when a device becomes slow.
config::Scenario scenario_with_event_at_decision() {
    support::FleetText text;
    text.model = support::tiny_model_file();
    text.policy = "static";
    text.tokens = 12;
    text.interval = 3;
    text.extra = "[[event]]\nat_token = 3\ndevice = \"d0\"\nkind = \"compute\"\nfactor = 0.01\n";
    return support::make_scenario(text);
}

TEST(Semantics, a_decision_sees_events_up_to_its_token) {
    const config::Scenario scenario = scenario_with_event_at_decision();
    const trace::Trace trace = support::run_fleet(scenario).trace;
    EXPECT_EQ(trace.header.semantics(), 2);
    ASSERT_EQ(trace.intervals.at(1).row.first_token, 3);
    EXPECT_GT(
        trace.intervals[1].row.predicted_inference_ns,
        2 * trace.intervals[0].row.predicted_inference_ns
    );
}

TEST(Semantics, a_trace_without_the_number_is_replayed_by_the_first_rules) {
    const config::Scenario scenario = scenario_with_event_at_decision();
    const auto policy = scheduler::make_policy(scenario.controller.policy);
    trace::Trace recorded = support::run_fleet(scenario).trace;
    recorded.header.numbers.erase(trace::kSemantics);
    trace::Trace older = imagined(recorded, scenario);
    EXPECT_FALSE(older.header.numbers.contains(trace::kSemantics));
    EXPECT_LT(
        older.intervals.at(1).row.predicted_inference_ns,
        2 * older.intervals.at(0).row.predicted_inference_ns
    ) << "the decision saw what the turn of the third token saw";
    EXPECT_GT(
        older.intervals.at(2).row.predicted_inference_ns,
        2 * older.intervals.at(0).row.predicted_inference_ns
    );
    EXPECT_THAT(runtime::replay(older, scenario, *policy).differences, IsEmpty());
    older.header.numbers[trace::kSemantics] = trace::kPresentSemantics;
    EXPECT_THAT(runtime::replay(older, scenario, *policy).differences, Not(IsEmpty()));
}

TEST(Counterfactual, equals_random_runs_with_ends_of_text) {
    std::int64_t ended_early = 0;
    for (std::uint64_t seed = 100; seed < 112; ++seed) {
        SCOPED_TRACE(fmt::format("seed {}", seed));
        config::Scenario scenario = support::random_scenario(seed);
        const trace::Trace trace = support::run_fleet(scenario).trace;
        scenario.controller.policy = scheduler::PolicyKind::round_robin;
        const trace::Trace run = support::run_fleet(scenario).trace;
        EXPECT_THAT(difference_of(run, imagined(trace, scenario)), IsEmpty());
        for (const trace::Interval& interval : run.intervals) {
            for (const trace::RequestRow& request : interval.requests) {
                ended_early +=
                    request.sampled_tokens <
                    scenario.workload.max_tokens_of(static_cast<std::size_t>(request.sequence));
            }
        }
    }
    EXPECT_GT(ended_early, 0) << "no text ended by itself";
}

TEST(Counterfactual, of_a_killed_run_has_the_recorded_tokens) {
    trace::Trace killed = recorded().trace;
    killed.intervals.resize(3);
    killed.completion = trace::Completion::running;
    std::int64_t recorded_tokens = 0;
    for (const trace::Interval& interval : killed.intervals) {
        recorded_tokens += interval.row.tokens;
    }
    int exit_code = -1;
    const config::Scenario ring = scenario_of("ring");
    const trace::Trace counterfactual = imagined(killed, ring, &exit_code);
    EXPECT_EQ(exit_code, 0);
    std::int64_t tokens = 0;
    for (const trace::Interval& interval : counterfactual.intervals) {
        tokens += interval.row.tokens;
    }
    EXPECT_EQ(tokens, recorded_tokens);
    const auto decided = scheduler::make_policy(ring.controller.policy);
    EXPECT_THAT(runtime::replay(counterfactual, ring, *decided).differences, IsEmpty());
}

TEST(Counterfactual, records_its_requests_as_ranges) {
    const std::vector<std::int64_t> some{0, 1, 2, 5, 7, 8};
    EXPECT_EQ(runtime::ranges_text(some), "0-2,5-5,7-8");
    EXPECT_EQ(runtime::sequences_in("0-2,5-5,7-8", 9), some);
    for (const char* const wrong : {"", "0-9", "2-1", "0-2,1-3", "x", "0-2;", "-1-2", "0-"}) {
        EXPECT_THROW((void)runtime::sequences_in(wrong, 9), InputError) << wrong;
    }
}

TEST(Replay, reports_ids_that_do_not_exist) {
    const auto problem_of = [](auto change) -> std::string {
        trace::Trace damaged = recorded().trace;
        change(damaged.intervals[1]);
        try {
            (void)recorded().replayed(damaged);
            return "";
        } catch (const InputError& error) {
            return error.what();
        }
    };
    using Interval = trace::Interval;
    EXPECT_THAT(problem_of([](Interval& i) { i.placement[0] = 9; }), HasSubstr("/placements"));
    EXPECT_THAT(
        problem_of([](Interval& i) { i.resources[0].device = -1; }), HasSubstr("/resources")
    );
    EXPECT_THAT(problem_of([](Interval& i) { i.turns[0].sequence = 99; }), HasSubstr("/turns"));
    EXPECT_THAT(problem_of([](Interval& i) { i.tokens[0].id = 1 << 30; }), HasSubstr("/tokens"));
    EXPECT_THAT(problem_of([](Interval& i) { i.row.epoch = -5; }), HasSubstr("/intervals"));
    EXPECT_EQ(problem_of([](Interval& /*unchanged*/) {}), "");
}

} // namespace
} // namespace headroom
