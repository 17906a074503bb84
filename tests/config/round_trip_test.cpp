// Reading the resolved text of a scenario gives the same scenario.
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/random.hpp"
#include "scenarios.hpp"

namespace headroom::config {
namespace {

void expect_round_trip(const Scenario& scenario) {
    const std::string text = resolved_text(scenario);
    const Scenario again = parse_scenario(text, scenario.path, {});
    EXPECT_TRUE(equivalent(scenario, again)) << text;
    EXPECT_EQ(resolved_text(again), text);
}

TEST(ResolvedText, of_every_key_round_trips) {
    expect_round_trip(read(std::string(kEverything)));
}

TEST(ResolvedText, of_defaults_round_trips_and_states_them) {
    const Scenario scenario = read(small_with(""));
    expect_round_trip(scenario);
    const std::string text = resolved_text(scenario);
    for (const char* line :
         {"seed = 7\n",
          "file = \"m.gguf\"",
          "prompts = [\"\"]",
          "repeat = 1",
          "tokens = 64",
          "sequences = 1",
          "arrivals = \"at once\"",
          "objective = \"latency\"",
          "batch = 1",
          "stop_at_eos = true",
          "temperature = 0.0",
          "top_k = 0",
          "top_p = 1.0",
          "min_p = 0.0",
          "t_budget = \"1000000000 ns\"",
          "[controller.paper]",
          "gather = \"sum\"",
          "score = \"max\"",
          "backtracks = 1000",
          "policy = \"resource_aware\"",
          "interval = 8",
          "granularity = \"paper\"",
          "migration = \"stop\"",
          "weights = \"move\"",
          "cost_profile = \"physical\"",
          "overload = \"automatic\"",
          "mode = \"virtual\"",
          "scale = 1.0",
          "memory_scale = 1.0",
          "compute = \"2000000000 FLOP/s\"",
          "source = true",
          "load = 0.0",
          "bandwidth = \"1000000 B/s\"",
          "latency = \"1000000 ns\"",
          "variation = 0.0"}) {
        EXPECT_NE(text.find(line), std::string::npos) << line;
    }
}

TEST(ResolvedText, of_the_built_in_scenario_round_trips) {
    for (const int devices : {1, 2, 7}) {
        expect_round_trip(default_scenario("some dir/m \"x\".gguf", devices, {}));
    }
}

TEST(ResolvedText, of_a_single_device_without_network_round_trips) {
    const std::string device = "[[device]]\ncompute = \"1 FLOP/s\"\nmemory = \"1 B\"\n";
    expect_round_trip(read(std::string(kModel) + device));
    expect_round_trip(read(std::string(kModel) + device + "[network]\nlatency = \"3 s\""));
}

TEST(ResolvedText, keeps_unusual_values) {
    for (const char* setting :
         {"fleet.compute_scale=0.333333333333",
          "fleet.memory_scale=1e-5",
          "fleet.latency_scale=1e12",
          "device.0.compute=0.1 TFLOP/s",
          "device.0.memory=1e18 B",
          "device.0.memory=0.9 TiB",
          "device.1.name=\"tab\\\"le ä\"",
          "device.0.load=0.123456789",
          "device.0.load=1e-9",
          "device.0.memory_load=1",
          "device.0.profile=jetson-agx-orin",
          "device.0.from_profile=\"quote \\\" ä\"",
          "network.preset=4g",
          "network.preset=wifi-5ghz",
          "network.preset=gigabit-ethernet",
          "device.0.operation_overhead=1 s",
          "device.1.message_overhead=0.6 ns",
          "device.1.rates.q4_0.prefill_compute=0.1 TFLOP/s",
          "device.0.rates={f32={compute=\"1 FLOP/s\"}, bf16={memory_bandwidth=\"1 B/s\"}}",
          "network.jitter={kind=\"uniform\", low=0, high=0}",
          "network.jitter={kind=\"walk\", low=0, high=\"3 ms\", step=\"1 ns\", period=\"1 us\"}",
          "network.retransmit_timeout=3 s",
          "network.medium=[{members=\"all\", capacity=\"1 B/s\"}]",
          "network.medium=[{members=[1, \"a\"], capacity=\"1 GB/s\"}]",
          "network.latency=0",
          "network.latency=0.3 ns",
          "network.bandwidth=33.3 Mbit/s",
          "clock.scale=1e-300",
          "clock.scale=123456.789",
          "workload.temperature=0.30000000000000004",
          "seed=9223372036854775807",
          "workload.prompts=[\"\", \"a\", \"\"]",
          "controller.t_budget=1 ns",
          "controller.paper.backtracks=0",
          "model.file=/abs/x.gguf",
          "model.file=../../a/./b.gguf",
          "network.variation={kind=\"uniform\",low=0.1,high=0.7,period=\"1 min\"}",
          "device.0.load={kind=\"steps\",at=[\"1 us\"],value=[0.999999999]}",
          "workload.prompts=[\"\\u0000\\u007f\\r\\n\\t\\b \\u00e9 \\U0001F600 '''\"]"}) {
        SCOPED_TRACE(setting);
        expect_round_trip(read(small_with(""), {.set = {setting}}));
    }
}

/// Adds one of the texts, or leaves the key out.
void maybe_set(
    Random& random,
    std::vector<std::string>& set,
    std::string_view key,
    const std::vector<std::string>& values
) {
    const std::size_t choice = random.below(values.size() + 1);
    if (choice < values.size()) {
        set.push_back(fmt::format("{}={}", key, values[choice]));
    }
}

TEST(ResolvedText, of_any_workload_round_trips) {
    std::set<std::string> texts;
    constexpr std::uint64_t kRuns = 300;
    for (std::uint64_t seed = 0; seed < kRuns; ++seed) {
        SCOPED_TRACE(seed);
        Random random(stream_seed(seed, "workloads"));
        const std::size_t repeat = 1 + random.below(3);
        std::vector<std::string> set{
            "workload.prompts=[\"a\", \"b\"]", fmt::format("workload.repeat={}", repeat)};
        maybe_set(random, set, "workload.tokens", {"1", "77", "[1, 2]", "[5, 5]", "[9, 1]"});
        maybe_set(random, set, "workload.sequences", {"1", "2", "5", "1000000"});
        maybe_set(random, set, "workload.prefill_chunk", {"1", "16", "1000000000"});
        std::string times = "[";
        for (std::size_t i = 0; i < 2 * repeat; ++i) {
            times += fmt::format("\"{} us\", ", 10 * i + random.below(11));
        }
        maybe_set(
            random,
            set,
            "workload.arrivals",
            {"at once",
             times + "]",
             "{ poisson = 0.1 }",
             "{ poisson = \"7 /min\" }",
             "{ poisson = 1e-300, seed = 0 }",
             "{ poisson = 1e9, seed = 9223372036854775807 }"}
        );
        maybe_set(random, set, "controller.objective", {"latency", "throughput"});
        maybe_set(random, set, "controller.batch", {"1", "auto"});
        const Scenario scenario = read(small_with(""), {.set = set});
        expect_round_trip(scenario);
        EXPECT_EQ(
            arrival_times(parse_scenario(resolved_text(scenario), scenario.path, {})),
            arrival_times(scenario)
        );
        texts.insert(resolved_text(scenario));
    }
    EXPECT_GT(texts.size(), kRuns * 4 / 5); // most of the random scenarios differ
}

TEST(Equivalent, sees_the_objective) {
    const Scenario scenario = read(small_with(""));
    const Scenario other = read(small_with(""), {.set = {"controller.objective=throughput"}});
    EXPECT_FALSE(equivalent(scenario, other));
    EXPECT_NE(resolved_text(scenario), resolved_text(other));
}

TEST(Equivalent, sees_every_difference) {
    const Scenario scenario = read(std::string(kEverything));
    EXPECT_TRUE(equivalent(scenario, scenario));
    for (const char* setting :
         {"seed=12",
          "model.file=other",
          "workload.tokens=4",
          "workload.tokens=[3, 5, 2]",
          "workload.prompts=[\"x\", \"y\", \"z\"]",
          "workload.repeat=3",
          "workload.sequences=3",
          "workload.prefill_chunk=17",
          "workload.arrivals=at once",
          "workload.arrivals.poisson=2.25",
          "workload.arrivals.seed=4",
          "workload.arrivals=[0, 0, 0, 0, 0, \"1 ns\"]",
          "controller.batch=auto",
          "controller.batch=3",
          "workload.top_k=41",
          "workload.top_p=0.91",
          "workload.min_p=0.06",
          "controller.cost_profile=physical",
          "controller.t_budget=2 s",
          "controller.weights=move",
          "controller.paper.gather=sum",
          "controller.paper.score=max",
          "controller.paper.backtracks=16",
          "controller.interval=5",
          "controller.placement.hub=L0",
          "controller.placement={device-4 = \"L0-L2\"}",
          "controller.layers=[2, 1]",
          "clock.scale=0.5",
          "fleet.memory_scale=0.004",
          "device.0.egress=2 Gbit/s",
          "device.1.load=0.5",
          "device.2.profile=mac-mini-m1",
          "network.latency=3 ms",
          "network.link.0.bandwidth=2 Gbit/s",
          "device.0.operation_overhead=21 us",
          "device.1.message_overhead=1 ns",
          "device.0.rates.q4_0.compute=6 TFLOP/s",
          "device.0.rates.q8_0.prefill_compute=6 TFLOP/s",
          "device.1.rates.f16.memory_bandwidth=6 GB/s",
          "network.loss=0.02",
          "network.retransmit_timeout=201 ms",
          "network.jitter.low=2 ms",
          "network.jitter={kind=\"uniform\", low=\"1 ms\", high=\"9 ms\"}",
          "network.jitter.step=1 ms",
          "network.jitter.period=2 s",
          "network.medium.0.members=[\"phone-1\", \"phone-2\", \"hub\"]",
          "network.medium.0.capacity=201 Mbit/s",
          "network.medium=[]",
          "event.0.factor=0.26",
          "event.1.at_token=41",
          "event.2.kind=bandwidth",
          "device.2.source=false"}) {
        const Scenario other = read(std::string(kEverything), {.set = {setting}});
        EXPECT_FALSE(equivalent(scenario, other)) << setting;
        EXPECT_NE(resolved_text(scenario), resolved_text(other)) << setting;
    }
}

} // namespace
} // namespace headroom::config
