// Changes from the command line follow the rules of the file, and their errors name the option.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "scenarios.hpp"

namespace headroom::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

Overrides set(std::vector<std::string> settings) {
    return {.set = std::move(settings)};
}

std::vector<std::string> problems_with(std::vector<std::string> settings) {
    return problems_of(small_with(""), set(std::move(settings)));
}

TEST(Overrides, set_reaches_costs_of_devices_and_networks) {
    const Scenario s = read(
        small_with(""),
        set(
            {"device.0.rates.q4_0.compute=5 GFLOP/s",
             "device.b.rates.q4_0.prefill_compute=\"6 GFLOP/s\"",
             "device.b.operation_overhead=20 us",
             "network.jitter.kind=walk",
             "network.jitter.low=1 ms",
             "network.jitter.high=3 ms",
             "network.jitter.step=0.5 ms",
             "network.jitter.period=1 s",
             "network.loss=0.25",
             "network.retransmit_timeout=200 ms",
             "network.medium.0.members=all",
             "network.medium.0.capacity=8 Mbit/s"}
        )
    );
    const std::vector<DeviceConfig>& devices = s.declared.devices;
    EXPECT_THAT(
        devices[0].rates, ElementsAre(TypeRatesConfig{WeightType::q4_0, 5'000'000'000, {}, {}})
    );
    EXPECT_THAT(
        devices[1].rates, ElementsAre(TypeRatesConfig{WeightType::q4_0, {}, {}, 6'000'000'000})
    );
    EXPECT_EQ(devices[1].operation_overhead, 20'000);
    const NetworkConfig& network = s.declared.network;
    const JitterConfig jitter{LoadKind::walk, 1'000'000, 3'000'000, 500'000, kSecond};
    EXPECT_EQ(network.jitter, jitter);
    EXPECT_EQ(network.loss, 250'000'000);
    EXPECT_EQ(network.retransmit_timeout, 200'000'000);
    EXPECT_THAT(network.media, ElementsAre(MediumConfig{{DeviceId(0), DeviceId(1)}, 1'000'000}));
}

TEST(Overrides, named_options_replace_values_of_the_file) {
    const Overrides all{
        .policy = "static",
        .clock = "virtual",
        .interval = 2,
        .tokens = 5,
        .prompts = {"quote \" and \\ and \n"},
        .seed = 99,
    };
    const Scenario s = read(std::string(kEverything), all);
    EXPECT_EQ(s.controller.policy, scheduler::PolicyKind::static_first);
    EXPECT_EQ(s.clock.mode, ClockMode::virtual_time);
    EXPECT_EQ(s.controller.interval, 2);
    EXPECT_EQ(s.workload.tokens, 5);
    EXPECT_THAT(s.workload.prompts, ElementsAre("quote \" and \\ and \n"));
    EXPECT_EQ(s.seed, 99U);
}

TEST(Overrides, set_reaches_every_key_and_creates_missing_tables) {
    const Scenario s = read(
        small_with(""),
        set(
            {"device.1.memory=4 GiB",
             "device.0.load={ kind = \"uniform\", low = 0.1, high = 0.2, period = \"1 s\" }",
             "device.2.compute=5 GFLOP/s",
             "device.2.memory=\"1 KiB\"",
             "controller.policy=greedy",
             "workload.prompts=[\"a=b\"]",
             "network.link.0.from=a",
             "network.link.0.to=b",
             "network.link.0.latency=0",
             "event.0.at_token=3",
             "event.0.device=2",
             "event.0.kind=compute",
             "event.0.factor=0.5",
             "fleet.memory_scale=0.5"}
        )
    );
    EXPECT_EQ(s.declared.devices.at(1).memory, Bytes{4} << 30);
    EXPECT_EQ(s.declared.devices.at(0).load.kind, LoadKind::uniform);
    EXPECT_EQ(s.declared.devices.at(2).name, "device-2");
    EXPECT_EQ(s.fleet.devices.at(2).memory.at(0, 0).value, 512);
    EXPECT_EQ(s.fleet.devices.at(2).compute.at(0, 3).value, 2'500'000'000);
    EXPECT_EQ(s.controller.policy, scheduler::PolicyKind::greedy);
    EXPECT_THAT(s.workload.prompts, ElementsAre("a=b"));
    EXPECT_EQ(s.declared.network.links.at(1).latency, 0);
}

TEST(Overrides, later_settings_win_and_named_options_come_last) {
    Overrides overrides = set({"controller.interval=3", "controller.interval=4"});
    EXPECT_EQ(read(small_with(""), overrides).controller.interval, 4);
    overrides.interval = 5;
    EXPECT_EQ(read(small_with(""), overrides).controller.interval, 5);
}

TEST(Overrides, values_that_are_not_toml_are_strings) {
    EXPECT_EQ(
        read(small_with(""), set({"device.0.name=my phone"})).fleet.devices[0].name, "my phone"
    );
    // A value cannot add keys: this is one string, which is not a valid name of a device.
    EXPECT_THAT(
        problems_with({"device.0.name=1\nx = 2"}),
        ElementsAre(HasSubstr("expected a name of 1 to 64 bytes without control characters"))
    );
}

TEST(Overrides, tables_of_a_list_can_be_addressed_by_name) {
    const Scenario s = read(
        std::string(kEverything),
        set(
            {"device.phone.memory=3 GB",
             "device.hub.load=0.25",
             "device.2.name=third",
             "device.third.compute=5 GFLOP/s"}
        )
    );
    EXPECT_EQ(s.declared.devices.at(0).load.constant, 250'000'000);
    EXPECT_EQ(s.declared.devices.at(1).memory, 3'000'000'000);
    EXPECT_EQ(s.declared.devices.at(3).memory, 3'000'000'000);
    EXPECT_EQ(s.declared.devices.at(4).name, "third");
    EXPECT_EQ(s.declared.devices.at(4).compute, 5'000'000'000);
}

TEST(Overrides, reach_tables_below_tables) {
    const Scenario s = read(
        small_with(""),
        set({"controller.paper.gather=max", "controller.paper.backtracks=3", "network.latency=0"})
    );
    EXPECT_EQ(s.controller.paper.gather, scheduler::PaperGather::max);
    EXPECT_EQ(s.controller.paper.backtracks, 3);
    EXPECT_THAT(
        read(small_with(""), set({"workload.prompts=[\"a\",\"b\"]"})).workload.prompts,
        ElementsAre("a", "b")
    );
}

TEST(Overrides, errors_list_the_existing_tables) {
    EXPECT_THAT(
        problems_with({"device.bb.memory=1 B"}),
        ElementsAre("--set device.bb.memory=1 B: device has no table named 'bb'; did you mean 'b'?")
    );
    EXPECT_THAT(
        problems_with({"device.x2.memory=1 B"}),
        ElementsAre("--set device.x2.memory=1 B: device has no table named 'x2'; there are a, b")
    );
    EXPECT_THAT(
        problems_with({"workload.prompts=[\"\"]", "workload.prompts.first=a"}),
        ElementsAre("--set workload.prompts.first=a: workload.prompts is a list; 'first' names "
                    "nothing in it")
    );
    EXPECT_THAT(
        problems_of(
            small_with("[[event]]\nat = 0\ndevice = 0\nkind = \"compute\"\nfactor = 1"),
            set({"event.x.factor=1"})
        ),
        ElementsAre("--set event.x.factor=1: event is a list; expected an index instead of 'x'")
    );
    // Two tables make three devices, but an index refers to a table and not to a device.
    const std::string counted = in_device("count = 2");
    for (const char* index : {"2", "7"}) {
        const std::string option = fmt::format("device.{}.memory=1 B", index);
        EXPECT_THAT(
            problems_of(counted, set({option})),
            ElementsAre(fmt::format(
                "--set {}: there is no table device.{}: a table with a count is one table, and the "
                "file has 2, counted from 0",
                option,
                index
            ))
        );
    }
}

TEST(Overrides, mistakes_name_the_option) {
    EXPECT_THAT(
        problems_with({"device.0.memory=4 GHz"}),
        ElementsAre(
            StartsWith("--set device.0.memory=4 GHz: device.0.memory: expected a number of bytes")
        )
    );
    EXPECT_THAT(
        problems_with({"device.0.memroy=4 GiB"}),
        ElementsAre("--set device.0.memroy=4 GiB: unknown key 'memroy' in [[device]]; did you mean "
                    "'memory'?")
    );
    EXPECT_THAT(
        problems_with({"interval"}), ElementsAre(StartsWith("--set interval: expected KEY=VALUE"))
    );
    EXPECT_THAT(problems_with({"=3"}), ElementsAre(StartsWith("--set =3: expected a key such as")));
    EXPECT_THAT(problems_with({"a..b=3"}), ElementsAre(HasSubstr("expected a key such as")));
    EXPECT_THAT(
        problems_with({"device.7.memory=1 B"}),
        ElementsAre("--set device.7.memory=1 B: there is no table device.7: the file has 2, "
                    "counted from 0; device.2 adds one")
    );
    EXPECT_THAT(
        problems_with({"device.x=1"}),
        ElementsAre("--set device.x=1: device is a list; 'x' names nothing in it")
    );
    EXPECT_THAT(
        problems_with({"model.file.x=1"}),
        ElementsAre("--set model.file.x=1: model.file is a value; 'x' names nothing in it")
    );
    EXPECT_THAT(problems_with({"model.file.x.y=1"}), ElementsAre(HasSubstr("'x'")));
    EXPECT_THAT(
        problems_with({"device=3"}),
        ElementsAre(
            "--set device=3: device is a list of tables; give the key of a value in it, for "
            "example device.0.memory"
        )
    );
    EXPECT_THAT(
        problems_with({"network=wifi"}),
        ElementsAre("--set network=wifi: network is a table; give the key of a value in it, for "
                    "example controller.interval")
    );
    EXPECT_THAT(
        problems_with({"workload.prompts=a"}),
        ElementsAre("--set workload.prompts=a: workload.prompts: expected an array of strings; "
                    "found \"a\"; did you mean [\"a\"]?")
    );
    EXPECT_THAT(problems_with({"seed=\xFF"}), ElementsAre("--set: the text is not valid UTF-8"));
    EXPECT_THAT(
        problems_of(small_with(""), {.policy = "gredy", .interval = 0}),
        ElementsAre(StartsWith("--policy gredy: controller.policy: "), StartsWith("--interval 0: "))
    );
    EXPECT_THAT(
        problems_of(small_with(""), {.clock = "native"}),
        ElementsAre(HasSubstr("--clock native: clock.mode = \"native\" is planned"))
    );
    EXPECT_THAT(
        problems_of(small_with(""), {.seed = -1}),
        ElementsAre("--seed -1: seed: expected a whole number from 0 to 9223372036854775807; "
                    "found -1")
    );
    EXPECT_THAT(
        problems_of(small_with(""), {.prompts = {"\xC3("}}), ElementsAre(StartsWith("--prompt: "))
    );
}

TEST(Overrides, their_problems_come_after_those_of_the_file) {
    EXPECT_THAT(
        problems_of(small_with("[clock]\nmode = 1"), set({"sed=1"})),
        ElementsAre(StartsWith("dir/s.toml:14:8: "), StartsWith("--set sed=1: "))
    );
}

} // namespace
} // namespace headroom::config
