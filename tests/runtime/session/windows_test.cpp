// Runs of models with windows on one device and on five with moves, for prompts in chunks of
// several sizes: every logit has the oracle's bits, every time is the timeline's, and memory is the
// closed form's. The sequences are long enough to go around the rings of pages.
#include <map>
#include <tuple>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/decoder/public_models.hpp"
#include "model/decoder/weights.hpp"
#include "model/support/tiny_model.hpp"
#include "scheduler/core/blocks.hpp"
#include "support/fleet_run.hpp"
#include "support/random_policy.hpp"
#include "support/simulated_run.hpp"
#include "support/tiny_model.hpp"
#include "trace/analysis/compare.hpp"

namespace headroom {
namespace {
namespace windows {

constexpr std::int64_t kTokens = 24;
constexpr std::int32_t kSlices = 3;
constexpr const char* kPrompt = "Once upon a time there was a small window in a large house";

/// Returns a copy of a public model with a vocabulary that can be run, and with its window changed
/// by so many tokens.
const std::filesystem::path& model_named(const std::string& name, int change = 0) {
    static std::map<std::pair<std::string, int>, std::filesystem::path> made;
    const auto [found, fresh] = made.try_emplace({name, change});
    if (fresh) {
        const model::GgufFile file(model::test::public_model("arch/" + name + ".gguf"));
        model::test::GgufWriter writer = model::test::with_tiny_vocabulary(file);
        if (change != 0) {
            const model::Hyperparameters sound = model::read_hyperparameters(file);
            const auto window = static_cast<std::uint32_t>(sound.window + change);
            writer.u32("gemma3.attention.sliding_window", window);
        }
        found->second =
            support::write_temporary(fmt::format("windows-{}{}.gguf", name, change), writer);
    }
    return found->second;
}

const support::OracleRun& oracle_of(const std::string& name, std::int32_t slices) {
    static std::map<std::pair<std::string, std::int32_t>, support::OracleRun> found;
    const auto [at, fresh] = found.try_emplace({name, slices});
    if (fresh) {
        at->second = support::run_oracle(model_named(name), kPrompt, kTokens, {slices});
    }
    return at->second;
}

support::FleetText run_of(
    const std::filesystem::path& model, int devices, std::int32_t slices, int chunk
) {
    support::FleetText text;
    text.model = model;
    text.devices = devices;
    text.source = devices - 1;
    text.tokens = kTokens;
    text.prompt = kPrompt;
    text.policy = "greedy";
    if (chunk > 0) {
        text.workload = fmt::format("prefill_chunk = {}\n", chunk);
    }
    if (slices > 0) {
        text.controller += fmt::format("granularity = \"sliced\"\nslices = {}\n", slices);
    }
    return text;
}

/// Returns the number of moved blocks.
std::int32_t expect_identity(
    const support::FleetText& text,
    const support::RunChange& change,
    const support::OracleRun& oracle
) {
    const config::Scenario scenario = support::make_scenario(text);
    const support::FleetRun run = support::run_fleet(scenario, change);
    EXPECT_EQ(support::difference(run, oracle), "");
    EXPECT_EQ(support::timeline_difference(scenario, run.trace), "");
    EXPECT_EQ(support::memory_difference(scenario, run.trace), "");
    std::int32_t moves = 0;
    for (const trace::Interval& interval : run.trace.intervals) {
        moves += interval.row.moves;
    }
    return moves;
}

class WindowsOf : public testing::TestWithParam<std::tuple<std::string, std::int32_t>> {};

INSTANTIATE_TEST_SUITE_P(
    Models,
    WindowsOf,
    testing::Combine(
        testing::Values("gemma2", "gemma3", "gemma3-linear", "olmo3-swa-yarn"),
        testing::Values(0, kSlices)
    ),
    [](const auto& test) {
        return model::test::with_underscores(std::get<0>(test.param)) +
               (std::get<1>(test.param) > 0 ? "_sliced" : "_paper");
    }
);

TEST_P(WindowsOf, one_device_has_the_bits_of_the_oracle_for_chunks_of_any_size) {
    HEADROOM_NEEDS_PUBLIC_MODELS();
    const auto& [name, slices] = GetParam();
    for (const int chunk : {1, 7, 16, 24}) {
        SCOPED_TRACE(chunk);
        expect_identity(run_of(model_named(name), 1, slices, chunk), {}, oracle_of(name, slices));
    }
}

TEST_P(WindowsOf, five_devices_with_random_moves_have_the_bits_of_the_oracle) {
    HEADROOM_NEEDS_PUBLIC_MODELS();
    const auto& [name, slices] = GetParam();
    for (const int chunk : {0, 7, 24}) {
        SCOPED_TRACE(chunk);
        const support::RandomPolicy random(7 + static_cast<std::uint64_t>(chunk));
        support::RunChange change;
        change.policy = &random;
        const std::int32_t moves = expect_identity(
            run_of(model_named(name), 5, slices, chunk), change, oracle_of(name, slices)
        );
        EXPECT_GE(moves, 50) << "a run in which nothing moves shows little";
    }
}

TEST(Windows, are_so_short_that_the_prompt_goes_around_the_rings) {
    HEADROOM_NEEDS_PUBLIC_MODELS();
    for (const char* const name : {"gemma2", "gemma3", "gemma3-linear", "olmo3-swa-yarn"}) {
        const config::Scenario scenario =
            support::make_scenario(run_of(model_named(name), 1, 0, 0));
        const support::FleetRun run = support::run_fleet(scenario);
        const model::GgufFile file(model_named(name));
        const scheduler::Blocks blocks(model::read_hyperparameters(file));
        const std::int64_t prompt = support::prompt_lengths(run.trace).front();
        EXPECT_GT(prompt, blocks.paged_rows(prompt).windowed);
    }
}

/// Nine requests for four slots, which join in batches; prompts come in chunks. The sums of the
/// caches' rows are not linear in the sums of tokens then.
config::Scenario with_requests(std::int32_t slices) {
    config::Scenario scenario = support::make_scenario(run_of(model_named("gemma3"), 4, slices, 5));
    config::WorkloadConfig& workload = scenario.workload;
    workload.prompts = {kPrompt, "Once", "b"};
    workload.tokens_each = {kTokens, 40, 1};
    workload.repeat = 3;
    workload.sequences = 4;
    workload.temperature = 1;
    return scenario;
}

TEST(Windows, of_sequences_in_flight_together_keep_bits_times_and_bytes) {
    HEADROOM_NEEDS_PUBLIC_MODELS();
    for (const std::int32_t slices : {0, kSlices}) {
        for (const std::int64_t batch : {1, 2, 4}) {
            SCOPED_TRACE(fmt::format("{} slices, batches of {}", slices, batch));
            config::Scenario scenario = with_requests(slices);
            scenario.controller.batch = batch;
            const support::RandomPolicy random(5);
            support::RunChange change;
            change.policy = &random;
            const support::FleetRun run = support::run_fleet(scenario, change);
            EXPECT_EQ(support::difference(run, support::run_oracle(scenario)), "");
            EXPECT_EQ(support::timeline_difference(scenario, run.trace), "");
            EXPECT_EQ(support::memory_difference(scenario, run.trace), "");
            const support::FleetRun simulation = support::simulated(scenario, &random);
            EXPECT_THAT(
                trace::differences(
                    support::without_values(run.trace), support::without_values(simulation.trace)
                ),
                testing::IsEmpty()
            );
        }
    }
}

TEST(Windows, of_one_more_or_less_give_other_logits) {
    HEADROOM_NEEDS_PUBLIC_MODELS();
    for (const int change : {-1, 1}) {
        const config::Scenario scenario =
            support::make_scenario(run_of(model_named("gemma3", change), 1, 0, 7));
        const support::FleetRun run = support::run_fleet(scenario);
        EXPECT_NE(support::difference(run, oracle_of("gemma3", 0)), "");
    }
}

} // namespace windows
} // namespace
} // namespace headroom
