// Whole runs: they are reproducible, end at their limits, and end with an error if they cannot go
// on.
#include <atomic>
#include <chrono>
#include <cmath>
#include <ctime>

#include <gtest/gtest.h>

#include "base/error.hpp"
#include "comm/inprocess/inprocess.hpp"
#include "support/fleet_run.hpp"
#include "support/random_policy.hpp"
#include "support/tiny_model.hpp"
#include "trace/analysis/compare.hpp"

namespace headroom {
namespace {

std::filesystem::path session_model() {
    const auto path = support::temporary_path("session.gguf");
    support::write_tiny_model(path, support::tiny_shape());
    return path;
}

support::FleetText text_of(int devices) {
    support::FleetText text;
    text.model = session_model();
    text.devices = devices;
    text.tokens = 24;
    text.interval = 3;
    return text;
}

class Reproducible : public testing::TestWithParam<int> {};

TEST_P(Reproducible, two_runs_give_the_same_trace_contents) {
    const config::Scenario scenario = support::make_scenario(text_of(GetParam()));
    const support::RandomPolicy random(4);
    support::RunChange change;
    change.policy = &random;
    const support::FleetRun a = support::run_fleet(scenario, change);
    const support::FleetRun b = support::run_fleet(scenario, change);
    EXPECT_EQ(trace::differences(a.trace, b.trace), std::vector<std::string>());
    config::Scenario other = scenario;
    other.fleet.devices[0].compute.base += 1'000'000;
    const support::FleetRun c = support::run_fleet(other, change);
    EXPECT_FALSE(trace::differences(a.trace, c.trace).empty()) << "the comparison must see times";
}

INSTANTIATE_TEST_SUITE_P(Devices, Reproducible, testing::Values(5, 8, 25));

TEST(Session, stops_at_the_end_of_text_on_all_devices) {
    support::FleetText text = text_of(3);
    text.extra = "";
    config::Scenario scenario = support::make_scenario(text);
    scenario.workload.temperature = 3.0; // random ids: one of 56 is </s>, so it is sampled soon
    scenario.workload.tokens = 100;
    scenario.workload.stop_at_eos = true;
    for (std::uint64_t seed = 1; seed < 200; ++seed) {
        scenario.seed = seed;
        const support::FleetRun run = support::run_fleet(scenario);
        ASSERT_EQ(run.outcome.exit_code, 0);
        const std::vector<std::int32_t> ids = run.sampled();
        const auto eos = std::find(ids.begin(), ids.end(), 2);
        if (eos != ids.end()) {
            EXPECT_EQ(eos, ids.end() - 1) << "nothing is sampled after the end of text";
            EXPECT_LT(ids.size(), 100U);
            return;
        }
        ASSERT_EQ(ids.size(), 100U);
    }
    FAIL() << "no run ended by itself";
}

TEST(Session, sampling_with_a_temperature_depends_only_on_the_seed) {
    config::Scenario scenario = support::make_scenario(text_of(3));
    scenario.workload.temperature = 1.0;
    const auto first = support::run_fleet(scenario).sampled();
    const support::RandomPolicy random(8);
    support::RunChange change;
    change.policy = &random;
    EXPECT_EQ(support::run_fleet(scenario, change).sampled(), first) << "another placement";
    scenario.seed += 1;
    EXPECT_NE(support::run_fleet(scenario).sampled(), first);
}

TEST(Session, a_missing_model_ends_with_exit_code_2_on_every_device) {
    config::Scenario scenario = support::make_scenario(text_of(3));
    scenario.model_file = support::temporary_path("not-there.gguf");
    const support::FleetRun run = support::run_fleet(scenario);
    EXPECT_EQ(run.outcome.exit_code, 2);
    EXPECT_NE(run.outcome.message.find("not-there.gguf"), std::string::npos);
}

TEST(Session, more_tokens_than_the_context_holds_are_refused_with_the_most_that_fits) {
    config::Scenario scenario = support::make_scenario(text_of(2));
    scenario.workload.tokens = 1000;
    const support::FleetRun run = support::run_fleet(scenario);
    EXPECT_EQ(run.outcome.exit_code, 2);
    EXPECT_NE(run.outcome.message.find("context is 128"), std::string::npos) << run.outcome.message;
}

TEST(Session, an_operation_that_never_ends_is_reported_as_stuck) {
    config::Scenario scenario = support::make_scenario(text_of(2));
    for (scheduler::DeviceSpec& device : scenario.fleet.devices) {
        device.compute.changes.push_back({-1, 4, 0});
    }
    EXPECT_THROW((void)support::run_fleet(scenario), StuckError);
}

std::atomic<int> session_signal = 0;

TEST(Session, an_interrupt_ends_the_run_in_order_with_its_exit_code) {
    const config::Scenario scenario = support::make_scenario(text_of(3));
    const auto policy = scheduler::make_policy(scheduler::PolicyKind::greedy);
    trace::MemorySink sink;
    runtime::RunOutcome outcome;
    comm::InprocessFleet fleet(3);
    session_signal = 0;
    fleet.run([&](comm::Transport& transport) {
        transport.options().interrupted = [] { return session_signal.load(); };
        runtime::RunOptions options;
        options.scenario = &scenario;
        options.on_logits = [](std::int64_t turn, std::span<const float>) {
            if (turn == 7) {
                session_signal = 143;
            }
        };
        if (transport.self() == DeviceId(0)) {
            options.policy = policy.get();
            options.sink = &sink;
            outcome = runtime::run_device(options, transport);
        } else {
            (void)runtime::run_device(options, transport);
        }
    });
    EXPECT_EQ(outcome.exit_code, 143);
    EXPECT_EQ(sink.completion, trace::Completion::interrupted);
    EXPECT_EQ(trace_of(sink).intervals.back().row.first_token, 6);
}

/// Returns the processor time of this process in seconds.
double cpu_seconds() {
    timespec now{};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

struct PacedRun {
    double wall_ratio = 0; ///< wall time over virtual time · scale
    double cpu = 0;        ///< seconds of processor time
    Nanoseconds lateness = 0;
};

PacedRun run_paced(config::Scenario scenario, Nanoseconds virtual_end, double wall) {
    scenario.clock.mode = config::ClockMode::paced;
    scenario.clock.scale = wall * 1e9 / static_cast<double>(virtual_end);
    const double before = cpu_seconds();
    const support::FleetRun run = support::run_fleet(scenario);
    EXPECT_EQ(run.trace.intervals.back().row.t_end, virtual_end)
        << "pacing changes no virtual time";
    return {
        static_cast<double>(run.outcome.elapsed_wall) / (wall * 1e9),
        cpu_seconds() - before,
        run.outcome.lateness_max};
}

TEST(Paced, wall_time_is_virtual_time_times_scale_and_idle_devices_use_no_processor_time) {
    const config::Scenario scenario = support::make_scenario(text_of(3));
    const double cpu_before = cpu_seconds();
    const support::FleetRun quick = support::run_fleet(scenario);
    const double cpu_of_work = cpu_seconds() - cpu_before;
    const Nanoseconds end = quick.trace.intervals.back().row.t_end;
    // The host may be busy for a moment, so one of three attempts must pass.
    PacedRun run;
    for (int attempt = 0; attempt < 3 && std::abs(run.wall_ratio - 1) > 0.02; ++attempt) {
        run = run_paced(scenario, end, 1.5);
    }
    EXPECT_NEAR(run.wall_ratio, 1.0, 0.02) << "late by " << run.lateness << " ns";
    EXPECT_LT(run.cpu - cpu_of_work, 0.2 * 3 * 1.5) << "three devices waited 1.5 s each";
}

TEST(Paced, twin_a_run_that_is_not_paced_is_faster) {
    const support::FleetRun quick = support::run_fleet(support::make_scenario(text_of(3)));
    EXPECT_LT(static_cast<double>(quick.outcome.elapsed_wall), 0.9 * 1.5e9);
}

} // namespace
} // namespace headroom
