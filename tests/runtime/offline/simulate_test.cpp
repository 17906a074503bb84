// A simulation leaves the trace of the run, to the nanosecond and the byte: placements, intervals,
// migrations, resources, links, operations, messages and events. Only values that need weights are
// missing.
#include <tuple>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.hpp"
#include "runtime/offline/simulate.hpp"
#include "support/fleet_run.hpp"
#include "support/random_policy.hpp"
#include "support/simulated_run.hpp"
#include "support/tiny_model.hpp"
#include "trace/analysis/compare.hpp"

namespace headroom {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::filesystem::path model_path(bool tied) {
    const auto path = support::temporary_path(tied ? "simulate-tied.gguf" : "simulate.gguf");
    if (!std::filesystem::exists(path)) {
        model::test::TinyShape shape = support::tiny_shape();
        shape.tied = tied;
        support::write_tiny_model(path, shape);
    }
    return path;
}

std::vector<std::string> contrasts(const trace::Trace& run, const trace::Trace& simulation) {
    return trace::differences(support::without_values(run), support::without_values(simulation));
}

/// Adds events: links slow down at a decision, memory shrinks below what a device holds, and a
/// device stalls for a while.
std::string events(int devices) {
    std::string text = "[[event]]\nat = \"40 ms\"\ndevice = \"d0\"\nkind = \"compute\"\n"
                       "factor = 0.0\n"
                       "[[event]]\nat = \"60 ms\"\ndevice = \"d0\"\nkind = \"compute\"\n"
                       "factor = 1.0\n"
                       "[[event]]\nat_token = 5\ndevice = \"d0\"\nkind = \"memory\"\n"
                       "factor = 0.01\n";
    for (int to = 1; to < devices; ++to) {
        text += fmt::format(
            "[[event]]\nat_token = 4\nlink = [\"d0\", \"d{}\"]\nkind = \"bandwidth\"\n"
            "factor = 0.02\n",
            to
        );
    }
    return text;
}

struct Setting {
    std::string policy;
    std::string weights;
    std::string granularity;
    int devices;
    bool eventful; ///< with events, caps and two prompts
};

config::Scenario scenario_of(const Setting& setting, std::uint64_t seed) {
    support::FleetText text;
    text.model = model_path(seed % 2 == 0);
    text.devices = setting.devices;
    text.interval = 1 + static_cast<std::int64_t>(seed % 5);
    text.tokens = 11;
    text.source = static_cast<int>(seed) % setting.devices;
    text.policy = setting.policy == "random" ? "greedy" : setting.policy;
    text.controller = fmt::format("weights = \"{}\"\n", setting.weights);
    if (setting.granularity == "sliced") {
        text.controller += "granularity = \"sliced\"\nslices = 6\n";
        text.controller += seed % 2 == 0 ? "reduce = \"ring\"\n" : ""; // policy galaxy only
    }
    if (setting.eventful) {
        text.prompt = "Once upon a time\", \"There was";
        text.extra = events(setting.devices);
        text.memory = "2 MiB";
    }
    config::Scenario scenario = support::make_scenario(text);
    if (setting.eventful && seed % 3 != 0) {
        for (scheduler::DeviceSpec& device : scenario.fleet.devices) {
            device.egress.base = 2'000'000;
            device.ingress.base = 1'500'000;
        }
    }
    return scenario;
}

class Simulated
    : public testing::TestWithParam<std::tuple<const char*, const char*, const char*, int, bool>> {
  protected:
    [[nodiscard]] static Setting setting() {
        const auto& [policy, weights, granularity, devices, eventful] = GetParam();
        return {policy, weights, granularity, devices, eventful};
    }
};

TEST_P(Simulated, trace_is_that_of_the_run) {
    for (std::uint64_t seed = 0; seed < 4; ++seed) {
        SCOPED_TRACE(fmt::format("seed {}", seed));
        const config::Scenario scenario = scenario_of(setting(), seed);
        const support::RandomPolicy random(seed);
        support::RunChange change;
        change.policy = setting().policy == "random" ? &random : nullptr;
        const support::FleetRun simulation = support::simulated(scenario, change.policy);
        ASSERT_EQ(simulation.outcome.exit_code, 0) << simulation.outcome.message;
        EXPECT_EQ(simulation.sampled().size(), 11 * scenario.workload.requests());
        EXPECT_EQ(simulation.trace.header.attributes.at("execution"), "simulated");
        const support::FleetRun run = support::run_fleet(scenario, change);
        EXPECT_THAT(contrasts(run.trace, simulation.trace), IsEmpty());
    }
}

INSTANTIATE_TEST_SUITE_P(
    Simulate,
    Simulated,
    testing::Combine(
        testing::Values(
            "random",
            "resource_aware",
            "greedy",
            "static",
            "paper",
            "dynamic_layer",
            "edgeshard",
            "ring"
        ),
        testing::Values("move", "everywhere"),
        testing::Values("paper"),
        testing::Values(1, 2, 5),
        testing::Bool()
    )
);

INSTANTIATE_TEST_SUITE_P(
    SimulateSliced,
    Simulated,
    testing::Combine(
        testing::Values("random", "resource_aware", "greedy", "dynamic_layer", "galaxy"),
        testing::Values("move", "everywhere"),
        testing::Values("sliced"),
        testing::Values(1, 2, 5),
        testing::Bool()
    )
);

const Setting kEventful{"random", "move", "paper", 5, true};

TEST(Simulate, comparison_shows_moves_and_paging) {
    const support::RandomPolicy random(1);
    const trace::Trace trace = support::simulated(scenario_of(kEventful, 1), &random).trace;
    std::size_t moves = 0;
    Bytes paged = 0;
    for (const trace::Interval& interval : trace.intervals) {
        moves += interval.migrations.size();
        for (const trace::ResourceRow& row : interval.resources) {
            paged += row.paged_bytes;
        }
    }
    EXPECT_GT(moves, 20U);
    EXPECT_GT(paged, 0);
}

TEST(Simulate, comparison_notices_a_nanosecond) {
    config::Scenario scenario = scenario_of(kEventful, 1);
    const support::RandomPolicy random(1);
    support::RunChange change;
    change.policy = &random;
    const support::FleetRun run = support::run_fleet(scenario, change);
    ASSERT_THAT(contrasts(run.trace, support::simulated(scenario, &random).trace), IsEmpty());
    scheduler::LinkSpec link = scenario.fleet.network.link(DeviceId(1), DeviceId(2));
    link.latency.base += 1;
    scenario.fleet.network.set(DeviceId(1), DeviceId(2), link);
    EXPECT_THAT(contrasts(run.trace, support::simulated(scenario, &random).trace), Not(IsEmpty()));
}

TEST(Simulate, ends_like_the_run_where_nothing_fits) {
    support::FleetText text;
    text.model = model_path(false);
    text.memory = "1 KiB";
    const config::Scenario scenario = support::make_scenario(text);
    const support::FleetRun run = support::run_fleet(scenario);
    const support::FleetRun simulation = support::simulated(scenario);
    EXPECT_EQ(simulation.outcome.exit_code, 6);
    EXPECT_EQ(simulation.outcome.message, run.outcome.message);
}

/// Returns the error message with which a run ends.
template <class Error>
std::string failure_of(const config::Scenario& scenario) {
    try {
        (void)support::run_fleet(scenario);
    } catch (const Error& error) {
        return error.what();
    }
    return "no failure";
}

TEST(Simulate, ends_like_the_run_where_a_device_may_not_page) {
    support::FleetText text;
    text.model = model_path(false);
    text.controller = "overload = \"fail\"\n";
    text.memory = "2 MiB";
    text.extra = events(3);
    text.policy = "static";
    text.interval = 16;
    const config::Scenario scenario = support::make_scenario(text);
    const support::FleetRun simulation = support::simulated(scenario);
    EXPECT_EQ(simulation.outcome.exit_code, 6);
    EXPECT_EQ(simulation.outcome.message, failure_of<InfeasibleError>(scenario));
    EXPECT_EQ(simulation.trace.completion, trace::Completion::failed);
}

TEST(Simulate, ends_like_the_run_where_something_never_ends) {
    support::FleetText text;
    text.model = model_path(false);
    text.policy = "round_robin";
    text.interval = 16;
    for (const std::string stops :
         {"device = \"d0\"\nkind = \"compute\"", "link = [\"d0\", \"d1\"]\nkind = \"bandwidth\""}) {
        text.extra = "[[event]]\nat_token = 5\nfactor = 0.0\n" + stops + "\n";
        const config::Scenario scenario = support::make_scenario(text);
        const support::FleetRun simulation = support::simulated(scenario);
        EXPECT_EQ(simulation.outcome.exit_code, 5) << stops;
        EXPECT_EQ(simulation.outcome.message, failure_of<StuckError>(scenario));
    }
}

int always() {
    return 130;
}

TEST(Simulate, stops_between_two_tokens_when_interrupted) {
    support::FleetText text;
    text.model = model_path(false);
    const config::Scenario scenario = support::make_scenario(text);
    trace::MemorySink sink;
    const auto policy = scheduler::make_policy(scenario.controller.policy);
    runtime::RunOptions options;
    options.scenario = &scenario;
    options.policy = policy.get();
    options.sink = &sink;
    EXPECT_EQ(runtime::simulate(options, always).exit_code, 130);
    ASSERT_EQ(sink.intervals.size(), 1U);
    EXPECT_EQ(sink.intervals.front().row.tokens, 1);
    EXPECT_EQ(sink.completion, trace::Completion::interrupted);
}

constexpr const char* kFleet = "[network]\nbandwidth = \"80 Mbit/s\"\nlatency = \"300 us\"\n"
                               "[[device]]\ncount = 4\ncompute = \"9 GFLOP/s\"\n"
                               "memory = \"1 GiB\"\n";

TEST(Simulate, needs_no_model_file) {
    const config::Scenario scenario = config::parse_scenario(
        std::string("[model]\npreset = \"gpt2\"\n[workload]\nprompt_tokens = [7, 30]\n"
                    "tokens = 5\n"
        ) + kFleet,
        "shape.toml",
        {}
    );
    const support::FleetRun simulation = support::simulated(scenario);
    ASSERT_EQ(simulation.outcome.exit_code, 0) << simulation.outcome.message;
    EXPECT_THAT(support::prompt_lengths(simulation.trace), ElementsAre(7, 30));
    EXPECT_EQ(simulation.sampled(), std::vector<std::int32_t>(10, -1));
    EXPECT_EQ(simulation.trace.header.attributes.at("model"), "gpt2");
}

TEST(Simulate, requires_room_for_prompt_and_tokens) {
    const config::Scenario scenario = config::parse_scenario(
        std::string("[model]\npreset = \"gpt2\"\n[workload]\nprompt_tokens = 1000\n"
                    "tokens = 50\n"
        ) + kFleet,
        "shape.toml",
        {}
    );
    const support::FleetRun simulation = support::simulated(scenario);
    EXPECT_EQ(simulation.outcome.exit_code, 2);
    EXPECT_THAT(simulation.outcome.message, HasSubstr("the model's context is 1024"));
}

TEST(Simulate, refuses_slices_that_do_not_divide_a_files_ffn_as_a_run_does) {
    support::FleetText text;
    text.model = model_path(false);
    text.controller = "granularity = \"sliced\"\nslices = 7\n";
    const config::Scenario scenario = support::make_scenario(text);
    const support::FleetRun simulation = support::simulated(scenario);
    EXPECT_EQ(simulation.outcome.exit_code, 2);
    EXPECT_THAT(simulation.outcome.message, HasSubstr("controller.slices = 7 does not divide"));
    EXPECT_THAT(simulation.outcome.message, HasSubstr("1, 2, 3, 4, 6, 8"));
    const support::FleetRun run = support::run_fleet(scenario);
    EXPECT_EQ(run.outcome.exit_code, 2);
    EXPECT_THAT(run.outcome.message, HasSubstr(simulation.outcome.message));
}

} // namespace
} // namespace headroom
