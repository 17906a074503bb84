// The structs have the contents of the scenario: values, defaults, units, paths, expanded counts.
#include <filesystem>
#include <fstream>
#include <sys/resource.h>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/sections/catalogue.hpp"
#include "scenarios.hpp"
#include "tests/support/sanitizers.hpp"

namespace headroom::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(Scenario, defaults_are_those_of_the_reference) {
    const Scenario s = read(small_with(""));
    EXPECT_EQ(s.seed, 7U);
    EXPECT_EQ(s.name, "s");
    EXPECT_EQ(s.path, kFile);
    EXPECT_EQ(s.model_file, "dir/m.gguf");
    EXPECT_EQ(s.workload, WorkloadConfig{});
    EXPECT_THAT(s.workload.prompts, ElementsAre(""));
    EXPECT_EQ(s.workload.tokens, 64);
    EXPECT_TRUE(s.workload.stop_at_eos);
    EXPECT_EQ(s.controller.policy, scheduler::PolicyKind::resource_aware);
    EXPECT_EQ(s.controller.interval, 8);
    EXPECT_EQ(s.controller, ControllerConfig{});
    EXPECT_EQ(s.controller.overload, OverloadMode::automatic);
    EXPECT_EQ(s.controller.cost_profile, scheduler::CostProfile::physical);
    EXPECT_EQ(s.controller.t_budget, kSecond);
    EXPECT_EQ(s.controller.weights, WeightsMode::move);
    EXPECT_EQ(s.clock, (ClockConfig{ClockMode::virtual_time, 1}));
    EXPECT_EQ(s.declared.scales, ScaleConfig{});
    EXPECT_EQ(s.fleet.source, DeviceId(0));
    EXPECT_TRUE(s.events.empty());
    ASSERT_EQ(s.declared.devices.size(), 2U);
    const DeviceConfig expected{.name = "b", .compute = 2'000'000'000, .memory = 2 << 20};
    EXPECT_EQ(s.declared.devices[1], expected);
    EXPECT_EQ(s.declared.network.bandwidth, 1'000'000); // 8 Mbit/s
    EXPECT_EQ(s.declared.network.latency, 1'000'000);
    EXPECT_EQ(s.input_files.at(std::string(kFile)), small_with(""));
}

TEST(Scenario, every_key_is_read) {
    const Scenario s = read(std::string(kEverything));
    EXPECT_EQ(s.seed, 11U);
    EXPECT_EQ(s.model_file, "dir/../models/m.gguf");
    EXPECT_EQ(s.model_file_written, "../models/m.gguf");
    const WorkloadConfig workload{
        .prompts = {"Ein \"Satz\"\n\tmit \\ Umlaut: ä\a", "", "noch einer"},
        .repeat = 2,
        .tokens = 5,
        .tokens_each = {3, 5, 1},
        .sequences = 4,
        .prefill_chunk = 16,
        .arrivals = {.kind = ArrivalsConfig::Kind::poisson, .at = {}, .per_second = 2.5, .seed = 3},
        .stop_at_eos = false,
        .temperature = 0.7,
        .top_k = 40,
        .top_p = 0.9,
        .min_p = 0.05,
    };
    EXPECT_EQ(s.workload, workload);
    const ControllerConfig controller{
        .policy = scheduler::PolicyKind::greedy,
        .given =
            {.ranges =
                 {{DeviceId(0), "L0", "L1"},
                  {DeviceId(2), "L2.g0", "L2.g3"},
                  {DeviceId(3), "L2.proj", "L2.proj"},
                  {DeviceId(3), "L2.ffn", "L2.ffn"}}},
        .interval = 4,
        .overload = OverloadMode::fail,
        .cost_profile = scheduler::CostProfile::paper,
        .t_budget = 1'500'000'000,
        .paper = {scheduler::PaperGather::max, scheduler::PaperScore::weighted, 17},
        .weights = WeightsMode::everywhere,
        .objective = scheduler::Aim::latency,
        .batch = 2,
    };
    EXPECT_EQ(s.controller, controller);
    EXPECT_EQ(s.clock, (ClockConfig{ClockMode::paced, 0.25}));
    EXPECT_EQ(s.declared.scales, (ScaleConfig{0.0001, 0.003, 2, 0.1}));

    const auto& devices = s.declared.devices;
    ASSERT_EQ(devices.size(), 5U);
    EXPECT_EQ(devices[0].compute, 3'500'000'000'000);
    EXPECT_EQ(devices[0].memory_bandwidth, 12'000'000'000);
    EXPECT_EQ(devices[0].storage_bandwidth, 300'000'000);
    EXPECT_EQ(devices[0].egress, 125'000'000);
    EXPECT_EQ(devices[0].ingress, 62'500'000);
    EXPECT_THAT(devices[0].load.at, ElementsAre(0, 2'500'000'000));
    EXPECT_THAT(devices[0].load.values, ElementsAre(0, 500'000'000));
    EXPECT_EQ(devices[0].memory_load.constant, 100'000'000);
    EXPECT_EQ(devices[3].load.low, 50'000'000);
    EXPECT_EQ(devices[3].memory_load.step, 10'000'000);
    EXPECT_EQ(devices[3].memory_load.period, 20'000'000);
    EXPECT_EQ(s.declared.source, DeviceId(4));
    EXPECT_EQ(s.fleet.source, DeviceId(4));
}

TEST(Scenario, counts_expand_and_nameless_devices_are_numbered) {
    const Scenario s = read(std::string(kEverything));
    std::vector<std::string> names;
    for (const scheduler::DeviceSpec& device : s.fleet.devices) {
        names.push_back(device.name);
    }
    EXPECT_THAT(names, ElementsAre("hub", "phone-1", "phone-2", "phone-3", "device-4"));
}

TEST(Scenario, links_use_defaults_and_both_directions_unless_specified) {
    const Scenario s = read(std::string(kEverything));
    const DeviceId hub(0);
    const DeviceId first(1);
    const DeviceId third(3);
    EXPECT_THAT(
        s.declared.network.links,
        ElementsAre(
            LinkConfig{hub, first, 125'000'000, 2'000'000},
            LinkConfig{first, hub, 125'000'000, 2'000'000},
            LinkConfig{third, hub, 12'500'000, 7'000'000}
        )
    );
}

TEST(Scenario, events_have_a_readable_description) {
    const Scenario s = read(std::string(kEverything));
    ASSERT_EQ(s.events.size(), 3U);
    EXPECT_EQ(s.events[0].at, 3 * kSecond);
    EXPECT_EQ(s.events[0].at_token, -1);
    EXPECT_EQ(s.events[0].text, "hub: compute x 0.25 from 3 s");
    EXPECT_EQ(s.events[1].at, -1);
    EXPECT_EQ(s.events[1].at_token, 40);
    EXPECT_EQ(s.events[1].device, DeviceId(2));
    EXPECT_EQ(s.events[1].factor, 0);
    EXPECT_EQ(s.events[1].text, "phone-2: storage_bandwidth x 0 from token 40");
    EXPECT_FALSE(s.events[2].device.valid());
    EXPECT_EQ(s.events[2].from, DeviceId(1));
    EXPECT_EQ(s.events[2].to, DeviceId(0));
    EXPECT_EQ(s.events[2].factor, 12'500'000'000);
    EXPECT_EQ(s.events[2].text, "phone-1 - hub: latency x 12.5 from 1.5 s");
}

TEST(Scenario, one_device_needs_no_network) {
    const Scenario s =
        read("[[device]]\ncompute = \"1 FLOP/s\"\nmemory = \"1 B\"\n[model]\nfile = \"m\"");
    EXPECT_EQ(s.declared.devices.at(0).name, "device-0");
    EXPECT_EQ(s.declared.network.bandwidth, kUnlimited);
}

TEST(Scenario, absolute_model_paths_are_unchanged) {
    const Scenario s =
        parse_scenario("model.file = \"/m/x.gguf\"\n" + std::string(kSmall), "d/e.toml", {});
    EXPECT_EQ(s.model_file, "/m/x.gguf");
}

/// A temporary folder, which is removed at the end of the test.
class ScenarioFolder : public testing::Test {
  protected:
    void SetUp() override {
        const auto* test = testing::UnitTest::GetInstance()->current_test_info();
        folder_ = std::filesystem::temp_directory_path() /
                  (std::string("headroom_config_") + test->name() + "_" + std::to_string(getpid()));
        std::filesystem::create_directories(folder_);
    }

    void TearDown() override { std::filesystem::remove_all(folder_); }

    void write(const std::string& name, const std::string& contents) const {
        std::ofstream(folder_ / name, std::ios::binary) << contents;
    }

    std::filesystem::path folder_;
};

TEST_F(ScenarioFolder, prompt_files_are_one_prompt_without_the_last_newline) {
    write("s.toml", small_with("[workload]\nprompt_file = \"p.txt\""));
    write("p.txt", "Two\n\nlines\r\n");
    const Scenario s = load_scenario(folder_ / "s.toml", {});
    EXPECT_THAT(s.workload.prompts, ElementsAre("Two\n\nlines"));
    EXPECT_EQ(s.input_files.at("p.txt"), "Two\n\nlines\r\n");
    EXPECT_EQ(s.input_files.size(), 2U);
    EXPECT_EQ(s.model_file, folder_ / "m.gguf");
}

TEST_F(ScenarioFolder, prompt_lines_make_every_line_of_the_file_a_prompt) {
    write("s.toml", small_with("[workload]\nprompt_file = \"p.txt\"\nprompt_lines = true"));
    write("p.txt", "one\r\n\ntwo, three\n\n four");
    EXPECT_THAT(
        load_scenario(folder_ / "s.toml", {}).workload.prompts,
        ElementsAre("one", "two, three", " four")
    );
    write("p.txt", "\n\r\n\n");
    EXPECT_THROW((void)load_scenario(folder_ / "s.toml", {}), InputError);
    EXPECT_THAT(
        problems_of(small_with("[workload]\nprompt_lines = true")),
        ElementsAre("dir/s.toml:14:16: workload.prompt_lines = true needs a prompt_file, whose "
                    "lines are the prompts")
    );
}

TEST_F(ScenarioFolder, a_lack_of_descriptors_is_an_environment_error) {
    if (support::kSanitizerNeedsDescriptors) {
        GTEST_SKIP() << "the sanitizer needs descriptors of its own";
    }
    write("s.toml", small_with(""));
    rlimit before{};
    ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
    const rlimit none{0, before.rlim_max};
    ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
    EXPECT_THROW((void)load_scenario(folder_ / "s.toml", {}), EnvironmentError);
    ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
    EXPECT_NO_THROW((void)load_scenario(folder_ / "s.toml", {}));
}

TEST_F(ScenarioFolder, a_byte_order_mark_is_not_part_of_a_prompt) {
    write("s.toml", small_with("[workload]\nprompt_file = \"p.txt\""));
    write("p.txt", "\xEF\xBB\xBFone\xEF\xBB\xBF\n");
    EXPECT_THAT(
        load_scenario(folder_ / "s.toml", {}).workload.prompts, ElementsAre("one\xEF\xBB\xBF")
    );
}

TEST_F(ScenarioFolder, prompt_files_must_be_text_and_exclude_prompts) {
    write("bad.txt", "ab\xFF");
    write("s.toml", small_with("[workload]\nprompt_file = \"bad.txt\"\nprompts = [\"x\"]"));
    try {
        (void)load_scenario(folder_ / "s.toml", {});
        FAIL();
    } catch (const InputError& error) {
        EXPECT_THAT(
            error.problems(),
            ElementsAre(
                HasSubstr("prompt_file and prompts exclude each other"),
                HasSubstr("is not valid UTF-8 at byte 2")
            )
        );
        EXPECT_EQ(error.code(), ExitCode::bad_input);
    }
}

TEST_F(ScenarioFolder, models_and_traces_are_refused_as_scenarios) {
    const auto message = [&](const std::string& name, const std::string& contents) -> std::string {
        write(name, contents);
        try {
            (void)load_scenario(folder_ / name, {});
        } catch (const InputError& error) {
            return error.what();
        }
        return "";
    };
    const std::string model = (folder_ / "m.gguf").string();
    EXPECT_EQ(
        message("m.gguf", std::string("GGUF\3\0\0\0", 8)),
        model + ": a GGUF model, not a scenario; without a scenario it runs with --model " + model +
            " --devices N"
    );
    const std::string trace = (folder_ / "t.h5").string();
    EXPECT_EQ(
        message("t.h5", "\x89HDF\r\n\x1a\n and more"),
        trace +
            ": an HDF5 file such as a trace, not a scenario; see what is in it with headroom "
            "inspect " +
            trace
    );
}

TEST_F(ScenarioFolder, prompts_and_prompt_file_of_the_command_line_replace_each_other) {
    write("bad.txt", "ab\xFF");
    write("good.txt", "z\n");
    write("s.toml", small_with("[workload]\nprompt_file = \"bad.txt\""));
    write("t.toml", small_with("[workload]\nprompts = [\"x\"]"));
    const std::string good = (folder_ / "good.txt").string();
    const auto prompts = [&](const char* file, const Overrides& overrides) {
        return load_scenario(folder_ / file, overrides).workload.prompts;
    };
    // A prompt file that is replaced is not opened.
    EXPECT_THAT(prompts("s.toml", {.prompts = {"y"}}), ElementsAre("y"));
    EXPECT_THAT(prompts("s.toml", {.set = {"workload.prompts=[\"y\"]"}}), ElementsAre("y"));
    EXPECT_THAT(prompts("t.toml", {.prompt_file = good}), ElementsAre("z"));
    EXPECT_THAT(prompts("t.toml", {.set = {"workload.prompt_file=good.txt"}}), ElementsAre("z"));
    EXPECT_THAT(
        problems_of(small_with(""), {.prompts = {"y"}, .prompt_file = good}),
        ElementsAre("--prompt-file: and --prompt exclude each other; give one of them")
    );
}

TEST_F(ScenarioFolder, the_prompt_file_of_the_command_line_starts_from_the_working_directory) {
    EXPECT_THAT(
        problems_of(small_with(""), {.prompt_file = "none.txt"}),
        ElementsAre(
            "--prompt-file: workload.prompt_file cannot be opened: " +
            (std::filesystem::current_path() / "none.txt").string()
        )
    );
}

TEST(DefaultScenario, has_the_equal_devices_of_the_reference) {
    const Scenario s = default_scenario("models/m.gguf", 4, {.interval = 2});
    EXPECT_EQ(s.path, "");
    EXPECT_EQ(s.name, "m-4-devices");
    EXPECT_EQ(s.model_file, "models/m.gguf");
    EXPECT_EQ(s.controller.interval, 2);
    EXPECT_EQ(s.cache_type(), WeightType::f16);
    EXPECT_EQ(
        default_scenario("m.gguf", 1, {.set = {"model.kv_type=f32"}}).cache_type(), WeightType::f32
    );
    ASSERT_EQ(s.fleet.size(), 4U);
    EXPECT_EQ(s.fleet.devices[3].name, "device-3");
    const DeviceProfile& pi = *find_entry(device_profiles(), "raspberry-pi-5");
    EXPECT_EQ(s.fleet.devices[3].compute.at(0, 0).value, pi.compute.value);
    EXPECT_EQ(s.fleet.devices[3].memory.at(0, 0).value, pi.memory);
    EXPECT_EQ(s.fleet.devices[3].memory_bandwidth.at(0, 0).value, pi.memory_bandwidth.value)
        << "unlimited, every weight type would be as fast";
    EXPECT_TRUE(s.fleet.devices[3].has_storage);
    EXPECT_THAT(
        s.notes,
        ElementsAre("every device is a Raspberry Pi 5 (60.4 GFLOP/s, 7.50 GiB of memory at 9.97 "
                    "GB/s), with links of 100 Mbit/s and 1.00 ms; others: --set "
                    "device.0.profile=NAME, which headroom inspect --devices lists")
    );
    const scheduler::LinkSpec& link = s.fleet.network.link(DeviceId(0), DeviceId(3));
    EXPECT_EQ(link.bandwidth.at(0, 0).value, 12'500'000);
    EXPECT_EQ(link.latency.at(0, 0).value, 1'000'000);
}

TEST(DefaultScenario, is_overridden_by_a_profile_and_a_preset) {
    const Scenario s = default_scenario(
        "m.gguf", 3, {.set = {"device.0.profile=raspberry-pi-5", "network.preset=4g"}}
    );
    const DeviceProfile& pi = *find_entry(device_profiles(), "raspberry-pi-5");
    for (const DeviceConfig& device : s.declared.devices) {
        EXPECT_EQ(device.compute, pi.compute.value);
        EXPECT_EQ(device.memory, pi.memory);
    }
    EXPECT_EQ(s.declared.network.bandwidth, find_entry(network_presets(), "4g")->bandwidth.value);
    EXPECT_TRUE(s.notes.empty()) << "these were chosen";
    const Scenario slower = default_scenario("m.gguf", 3, {.set = {"device.0.load=0.5"}});
    EXPECT_EQ(slower.declared.devices[0].compute, pi.compute.value);
    const Scenario other = default_scenario("m.gguf", 3, {.set = {"device.0.memory=1 GiB"}});
    EXPECT_EQ(other.declared.devices[0].memory, 1 << 30);
    EXPECT_THAT(other.notes, ElementsAre(testing::HasSubstr("60.4 GFLOP/s, 1.00 GiB of")));
}

TEST(DefaultScenario, refuses_no_devices_and_no_model) {
    EXPECT_THROW((void)default_scenario("m.gguf", 0, {}), InputError);
    EXPECT_THROW((void)default_scenario("m.gguf", -1, {}), InputError);
    EXPECT_THROW((void)default_scenario("", 2, {}), InputError);
    EXPECT_EQ(default_scenario("m.gguf", 1, {}).fleet.size(), 1U);
}

TEST(Examples, are_valid_and_cause_no_warnings) {
    int count = 0;
    const auto folder = std::filesystem::path(HEADROOM_SOURCE_DIR) / "data/scenarios";
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
        SCOPED_TRACE(entry.path());
        const Scenario s = load_scenario(entry.path(), {.model_must_exist = true});
        EXPECT_THAT(s.warnings, ElementsAre());
        EXPECT_TRUE(equivalent(s, parse_scenario(resolved_text(s), s.path, {})));
        ++count;
    }
    EXPECT_GE(count, 3);
}

TEST(MinimalScenario, is_valid_and_has_three_devices) {
    const std::filesystem::path path =
        std::filesystem::path(HEADROOM_SOURCE_DIR) / "data/scenarios/minimal.toml";
    const Scenario s = load_scenario(path, {});
    EXPECT_EQ(s.name, "minimal");
    EXPECT_EQ(s.fleet.size(), 3U);
    const std::filesystem::path model =
        std::filesystem::path(HEADROOM_SOURCE_DIR) / "data/models/stories.gguf";
    EXPECT_EQ(s.model_file.lexically_normal(), model.lexically_normal());
}

} // namespace
} // namespace headroom::config
