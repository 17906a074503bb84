// Several sequences in flight, with random lengths, arrivals, chunks, batches, placements and
// migrations. Every sequence has the tokens and logits that it has alone, times are the timeline's
// to the nanosecond, memory is the closed form's to the byte, and a simulation leaves the same
// trace.
#include <algorithm>
#include <functional>
#include <set>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/random.hpp"
#include "support/fleet_run.hpp"
#include "support/forwarding_transport.hpp"
#include "support/random_policy.hpp"
#include "support/random_scenario.hpp"
#include "support/simulated_run.hpp"
#include "support/tiny_model.hpp"
#include "trace/analysis/compare.hpp"

namespace headroom {
namespace {

using testing::IsEmpty;

/// Counts of events that must occur in the random runs, so that the test is meaningful.
struct SeenInFlight {
    std::int64_t together = 0; ///< turns that began while others were under way
    std::int64_t joined = 0;
    std::int64_t chunks = 0;
    std::int64_t moves_with_several = 0;
    std::int64_t waits = 0; ///< requests that arrived when no slot was free
    std::int64_t idle = 0;  ///< requests that arrived when nothing was in flight
    std::int64_t ended_by_the_model = 0;
};

void look(const config::Scenario& scenario, const trace::Trace& trace, SeenInFlight& seen) {
    const std::vector<trace::TurnRow> turns = support::turns_of(trace);
    for (std::size_t i = 1; i < turns.size(); ++i) {
        seen.together +=
            turns[i].sequence != turns[i - 1].sequence && turns[i].start < turns[i - 1].end;
        seen.joined += turns[i].batch != turns[i].turn;
        seen.chunks += turns[i].samples == 0;
    }
    for (const trace::Interval& interval : trace.intervals) {
        seen.moves_with_several += interval.row.in_flight > 1 ? interval.row.moves : 0;
        for (const trace::RequestRow& request : interval.requests) {
            seen.waits += request.begin > request.arrival;
            seen.idle += request.begin == request.arrival && request.arrival > 0;
            seen.ended_by_the_model +=
                request.sampled_tokens <
                scenario.workload.max_tokens_of(static_cast<std::size_t>(request.sequence));
        }
    }
}

void check(std::uint64_t seed, SeenInFlight& seen) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    const config::Scenario scenario = support::random_scenario(seed);
    const support::RandomPolicy random(seed, 25);
    support::RunChange change;
    change.policy = &random;
    const support::FleetRun run = support::run_fleet(scenario, change);
    EXPECT_EQ(support::difference(run, support::run_oracle(scenario)), "");
    EXPECT_EQ(support::timeline_difference(scenario, run.trace), "");
    EXPECT_EQ(support::memory_difference(scenario, run.trace), "");
    look(scenario, run.trace, seen);
    if (!scenario.workload.stop_at_eos || seen.ended_by_the_model == 0) {
        return;
    }
    config::Scenario without_end = scenario;
    without_end.workload.stop_at_eos = false; // in a simulation no text ends early
    const support::FleetRun simulation = support::simulated(without_end, &random);
    const support::FleetRun same = support::run_fleet(without_end, change);
    EXPECT_THAT(
        trace::differences(
            support::without_values(same.trace), support::without_values(simulation.trace)
        ),
        IsEmpty()
    );
}

TEST(SequencesInFlight, random_workloads_equal_each_sequence_alone_and_times_and_memory_add_up) {
    SeenInFlight seen;
    for (std::uint64_t seed = 1; seed <= 200; ++seed) {
        check(seed, seen);
        if (testing::Test::HasFailure()) {
            break;
        }
    }
    EXPECT_GT(seen.together, 1000);
    EXPECT_GT(seen.joined, 300);
    EXPECT_GT(seen.chunks, 300);
    EXPECT_GT(seen.moves_with_several, 300);
    EXPECT_GT(seen.waits, 100);
    EXPECT_GT(seen.idle, 20);
    EXPECT_GT(seen.ended_by_the_model, 50);
}

config::Scenario six_in_two_slots() {
    support::FleetText text;
    text.model = support::tiny_model_file();
    text.interval = 2;
    config::Scenario scenario = support::make_scenario(text);
    scenario.workload.prompts = {"a long first one", "b", "the third"};
    scenario.workload.repeat = 2;
    scenario.workload.sequences = 2;
    scenario.workload.tokens = 6;
    return scenario;
}

TEST(SequencesInFlight, twin_a_planted_wait_is_noticed) {
    const config::Scenario scenario = six_in_two_slots();
    const support::RandomPolicy random(3);
    support::RunChange change;
    change.policy = &random;
    EXPECT_EQ(
        support::timeline_difference(scenario, support::run_fleet(scenario, change).trace), ""
    );
    change.planted_wait = 1;
    EXPECT_NE(
        support::timeline_difference(scenario, support::run_fleet(scenario, change).trace), ""
    );
}

/// Gives the fleet each of the costs of real devices.
void set_all_costs(config::FleetConfig& fleet) {
    for (config::DeviceConfig& device : fleet.devices) {
        device.rates = {{WeightType::f32, device.compute / 2, {}, device.compute}};
        device.operation_overhead = 20'000;
        device.message_overhead = 70'000;
    }
    fleet.network.jitter = {config::LoadKind::uniform, 10'000, 900'000};
    fleet.network.loss = 200'000'000;
    fleet.network.retransmit_timeout = 3'000'000;
    fleet.network.media = {{{DeviceId(0), DeviceId(1), DeviceId(2)}, 3'000'000}};
}

TEST(SequencesInFlight, twin_every_cost_of_real_devices_is_noticed) {
    using Fleet = config::FleetConfig;
    config::Scenario scenario = six_in_two_slots();
    set_all_costs(scenario.declared);
    scenario.fleet = config::build_fleet(scenario.declared, {}, scenario.seed);
    const support::RandomPolicy random(3);
    support::RunChange change;
    change.policy = &random;
    const support::FleetRun run = support::run_fleet(scenario, change);
    ASSERT_EQ(support::timeline_difference(scenario, run.trace), "");
    const std::vector<std::function<void(Fleet&)>> changes{
        [](Fleet& f) { f.devices[1].rates[0].compute = f.devices[1].compute / 3; },
        [](Fleet& f) { f.devices[1].rates[0].prefill_compute = f.devices[1].compute / 3; },
        [](Fleet& f) { f.devices[1].rates[0].memory_bandwidth = 50'000'000; },
        [](Fleet& f) { f.devices[1].operation_overhead = 20'001; },
        [](Fleet& f) { f.devices[1].message_overhead = 70'001; },
        [](Fleet& f) { f.network.jitter.low = 9'999; },
        [](Fleet& f) { f.network.jitter.kind = config::LoadKind::constant; },
        [](Fleet& f) { f.network.loss = 100'000'000; },
        [](Fleet& f) { f.network.retransmit_timeout = 3'000'001; },
        [](Fleet& f) { f.network.media[0].capacity = 2'999'000; },
        [](Fleet& f) { f.network.media[0].members.pop_back(); },
    };
    for (std::size_t i = 0; i < changes.size(); ++i) {
        config::Scenario other = scenario;
        changes[i](other.declared);
        other.fleet = config::build_fleet(other.declared, {}, other.seed);
        EXPECT_NE(support::timeline_difference(other, run.trace), "") << "change " << i;
    }
    const scheduler::Fleet other = config::build_fleet(scenario.declared, {}, scenario.seed + 1);
    config::Scenario another = scenario;
    for (const DeviceId from : {DeviceId(0), DeviceId(1), DeviceId(2)}) {
        for (const DeviceId to : {DeviceId(0), DeviceId(1), DeviceId(2)}) {
            if (from == to) {
                continue;
            }
            scheduler::LinkSpec spec = scenario.fleet.network.link(from, to);
            spec.variation.stream = other.network.link(from, to).variation.stream;
            another.fleet.network.set(from, to, spec);
        }
    }
    EXPECT_NE(support::timeline_difference(another, run.trace), "") << "other draws";
}

TEST(SequencesInFlight, twin_an_oracle_that_keeps_its_cache_is_noticed) {
    const config::Scenario scenario = six_in_two_slots();
    const support::FleetRun run = support::run_fleet(scenario);
    EXPECT_EQ(support::difference(run, support::run_oracle(scenario)), "");
    EXPECT_NE(support::difference(run, support::run_oracle(scenario, true)), "");
}

TEST(SequencesInFlight, twin_turns_in_another_order_are_noticed) {
    const config::Scenario scenario = six_in_two_slots();
    const support::RandomPolicy random(3);
    support::RunChange change;
    change.policy = &random;
    const support::FleetRun run = support::run_fleet(scenario, change);
    ASSERT_EQ(support::timeline_difference(scenario, run.trace), "");
    config::Scenario other = scenario;
    other.workload.sequences = 3; // a longer cycle: turns end a visit later
    EXPECT_NE(support::timeline_difference(other, run.trace), "");
}

/// Reduces the memory step by step until a request must wait.
TEST(SequencesInFlight, a_request_waits_for_memory_and_the_wait_is_recorded) {
    config::Scenario scenario = six_in_two_slots();
    scenario.workload.prompts = {"a", "b", "c"};
    scenario.workload.tokens = 40;
    scenario.controller.interval = 16;
    scenario.workload.sequences = 4;
    const auto run_with = [&](Bytes memory) {
        for (scheduler::DeviceSpec& device : scenario.fleet.devices) {
            device.memory.base = memory;
        }
        return support::run_fleet(scenario);
    };
    const support::OracleRun oracle = support::run_oracle(scenario);
    std::int64_t waits = 0;
    Bytes memory = 1 << 20;
    for (; memory > 1000 && waits == 0; memory -= memory / 12) {
        const support::FleetRun run = run_with(memory);
        ASSERT_EQ(run.outcome.exit_code, 0) << run.outcome.message;
        EXPECT_EQ(support::difference(run, oracle), "");
        EXPECT_EQ(support::timeline_difference(scenario, run.trace), "");
        for (const trace::Interval& interval : run.trace.intervals) {
            for (const trace::EventRow& event : interval.events) {
                EXPECT_EQ(event.kind, static_cast<std::int32_t>(trace::EventCode::admission_waits))
                    << "nothing is over its budget";
                ++waits;
            }
            for (const trace::ResourceRow& row : interval.resources) {
                EXPECT_LE(row.memory_peak_bytes, memory);
            }
        }
    }
    EXPECT_GT(waits, 0);
}

/// The sender must not wait until the next device of the ring has received parts of x. That device
/// may receive them only after the source's next visit, which would then never begin: a deadlock.
TEST(SequencesInFlight, a_ring_all_reduce_of_long_prompts_completes) {
    support::FleetText text;
    text.model = support::tiny_model_file();
    text.devices = 2;
    text.policy = "galaxy";
    text.varied = false;
    text.controller = "granularity = \"sliced\"\nslices = 6\nreduce = \"ring\"\n";
    config::Scenario scenario = support::make_scenario(text);
    scenario.fleet.devices[1].compute.base *= 25;
    const std::string prompt(100, 'x');
    scenario.workload.prompts = {prompt, prompt, prompt, "Mia"};
    scenario.workload.sequences = 2;
    scenario.workload.tokens = 8;
    const support::FleetRun run = support::run_fleet(scenario);
    EXPECT_EQ(support::difference(run, support::run_oracle(scenario)), "");
    EXPECT_EQ(support::timeline_difference(scenario, run.trace), "");
}

TEST(SequencesInFlight, a_late_request_delays_no_other) {
    config::Scenario scenario = six_in_two_slots();
    scenario.workload.arrivals.kind = config::ArrivalsConfig::Kind::given;
    scenario.workload.arrivals.at = {0, 0, 0, 0, 0, 3600 * kSecond};
    const support::FleetRun run = support::run_fleet(scenario);
    EXPECT_EQ(support::difference(run, support::run_oracle(scenario)), "");
    EXPECT_EQ(support::timeline_difference(scenario, run.trace), "");
    const trace::RequestRow& last = run.trace.intervals.back().requests.back();
    EXPECT_EQ(last.begin, 3600 * kSecond);
}

} // namespace
} // namespace headroom
