// Runs of models that normalise the queries and keys of all heads together (OLMo 2): devices with
// groups of a layer exchange sums of squares. In every placement the logits have the bits of the
// oracle, the times are the timeline's and memory is the closed form's.
#include <cstring>
#include <map>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "model/decoder/public_models.hpp"
#include "runtime/messages/wire.hpp"
#include "scheduler/timing/program.hpp"
#include "support/fleet_run.hpp"
#include "support/forwarding_transport.hpp"
#include "support/random_policy.hpp"
#include "support/random_scenario.hpp"
#include "support/tiny_model.hpp"

namespace headroom {
namespace {

constexpr std::int64_t kSampled = 8;
constexpr const char* kPromptText = "Once upon a time";
constexpr auto kSums = static_cast<std::int32_t>(scheduler::Payload::norm_sums);

std::filesystem::path public_file(const std::string& name) {
    return model::test::public_model("arch/" + name + ".gguf");
}

/// Returns the file of a model: "tiny", or a copy of a public one with a vocabulary that can be
/// run.
std::filesystem::path model_file(const std::string& name) {
    static std::map<std::string, std::filesystem::path> made;
    const auto [found, fresh] = made.try_emplace(name);
    if (fresh) {
        found->second = support::write_temporary(
            "norm-sums-" + name + ".gguf",
            name == "tiny" ? model::test::tiny_model(support::tiny_shape_in("olmo2"))
                           : model::test::with_tiny_vocabulary(model::GgufFile(public_file(name)))
        );
    }
    return found->second;
}

config::Scenario scenario_of(const std::string& model, int devices, std::int32_t slices) {
    support::FleetText text;
    text.model = model_file(model);
    text.devices = devices;
    text.source = devices - 1;
    text.tokens = kSampled;
    text.prompt = kPromptText;
    text.policy = "greedy"; // a random policy decides
    text.interval = devices % 2 == 0 ? 1 : 3;
    if (slices > 0) {
        text.controller = fmt::format("granularity = \"sliced\"\nslices = {}\n", slices);
    }
    return support::make_scenario(text);
}

support::FleetRun run_at_random(
    const config::Scenario& scenario, std::uint64_t seed, support::RunChange change = {}
) {
    const support::RandomPolicy random(seed);
    change.policy = &random;
    return support::run_fleet(scenario, change);
}

struct Seen {
    int moves = 0;
    int sums = 0; ///< messages with sums of squares
};

Seen seen_in(const support::FleetRun& run) {
    Seen seen;
    for (const trace::Interval& interval : run.trace.intervals) {
        seen.moves += interval.row.moves;
        for (const trace::MessageRow& message : interval.messages) {
            seen.sums += message.kind == kSums ? 1 : 0;
        }
    }
    return seen;
}

class NormSums : public testing::TestWithParam<std::tuple<const char*, int, int>> {};

TEST_P(NormSums, keep_the_bits_of_the_oracle_and_the_times_of_the_timeline) {
    const auto& [model, devices, slices] = GetParam();
    if (std::string(model) != "tiny" && !std::filesystem::exists(public_file(model))) {
        GTEST_SKIP() << "no " << public_file(model);
    }
    const support::OracleRun oracle =
        support::run_oracle(model_file(model), kPromptText, kSampled, {slices});
    for (std::uint64_t seed = 0; seed < 3; ++seed) {
        config::Scenario scenario = scenario_of(model, devices, slices);
        if (seed > 0) {
            support::add_random_costs(scenario, seed);
        }
        const support::FleetRun run = run_at_random(scenario, seed);
        ASSERT_EQ(support::difference(run, oracle), "") << "seed " << seed;
        ASSERT_EQ(support::timeline_difference(scenario, run.trace), "") << "seed " << seed;
        ASSERT_EQ(support::memory_difference(scenario, run.trace), "") << "seed " << seed;
        const Seen seen = seen_in(run);
        EXPECT_EQ(seen.sums > 0, devices > 1);
        EXPECT_EQ(seen.moves > 0, devices > 1);
    }
}

INSTANTIATE_TEST_SUITE_P(
    Identity,
    NormSums,
    testing::Combine(
        testing::Values("tiny", "olmo2", "olmo2-gqa", "olmo3-swa-yarn"),
        testing::Values(1, 2, 5),
        testing::Values(0, 3)
    ),
    [](const auto& test) {
        std::string model = std::get<0>(test.param);
        std::ranges::replace(model, '-', '_');
        return fmt::format(
            "{}_{}_devices_{}_slices", model, std::get<1>(test.param), std::get<2>(test.param)
        );
    }
);

/// Nine requests for four slots, which join in batches; prompts come in chunks.
config::Scenario with_requests(std::int32_t slices) {
    config::Scenario scenario = scenario_of("tiny", 4, slices);
    config::WorkloadConfig& workload = scenario.workload;
    workload.prompts = {kPromptText, "Mia", "b"};
    workload.tokens_each = {kSampled, 5, 1};
    workload.repeat = 3;
    workload.sequences = 4;
    workload.prefill_chunk = 5;
    workload.temperature = 1;
    return scenario;
}

TEST(NormSumsOfSequences, in_flight_together_keep_bits_and_times) {
    for (const std::int32_t slices : {0, 3}) {
        for (const std::int64_t batch : {1, 2, 4}) {
            config::Scenario scenario = with_requests(slices);
            scenario.controller.batch = batch;
            const support::FleetRun run = run_at_random(scenario, 5);
            EXPECT_EQ(support::difference(run, support::run_oracle(scenario)), "") << batch;
            EXPECT_EQ(support::timeline_difference(scenario, run.trace), "") << batch;
            EXPECT_EQ(support::memory_difference(scenario, run.trace), "") << batch;
            EXPECT_GT(seen_in(run).sums, 100);
        }
    }
}

/// Sets the first sum that a device receives in each message to 0.
class Forgetful : public support::ForwardingTransport {
  public:
    using ForwardingTransport::ForwardingTransport;
    void receive(
        DeviceId from,
        comm::Tag tag,
        std::span<const comm::Part> parts,
        const comm::WaitReason& reason
    ) override {
        ForwardingTransport::receive(from, tag, parts, reason);
        runtime::WireHeader header;
        if (parts.size() < 2 || parts[0].size() != sizeof(header)) {
            return;
        }
        std::memcpy(&header, parts[0].data(), sizeof(header));
        if (header.kind == kSums && header.turn > 0) {
            std::memset(parts[1].data(), 0, sizeof(double));
        }
    }
};

TEST(NormSumsTwin, a_sum_that_does_not_arrive_changes_the_logits_but_no_time) {
    for (const std::int32_t slices : {0, 3}) {
        const config::Scenario scenario = scenario_of("tiny", 3, slices);
        const support::OracleRun oracle =
            support::run_oracle(model_file("tiny"), kPromptText, kSampled, {slices});
        support::RunChange change;
        change.faulty = true;
        change.wrap = [](comm::Transport& inner) { return std::make_unique<Forgetful>(inner); };
        const support::FleetRun run = run_at_random(scenario, 1, change);
        EXPECT_NE(support::difference(run, oracle), "");
    }
}

TEST(NormSumsTwin, an_added_wait_differs_from_the_timeline) {
    const config::Scenario scenario = scenario_of("tiny", 3, 0);
    support::RunChange change;
    change.planted_wait = 1;
    const support::FleetRun run = run_at_random(scenario, 5, change);
    EXPECT_NE(support::timeline_difference(scenario, run.trace), "");
}

} // namespace
} // namespace headroom
