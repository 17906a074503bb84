// Runs of models of every architecture on one device and on five, in both granularities: every
// logit has the oracle's bits, every time is the timeline's, and memory is the closed form's.
#include <algorithm>
#include <map>
#include <tuple>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.hpp"
#include "model/decoder/public_models.hpp"
#include "model/support/tiny_model.hpp"
#include "support/fleet_run.hpp"
#include "support/random_policy.hpp"
#include "support/tiny_model.hpp"

namespace headroom {
namespace {

constexpr std::int64_t kTokens = 10;
constexpr std::int32_t kSlices = 3;
constexpr const char* kPrompt = "Once upon a time"; // longer than the windows of these models

/// Returns a copy of a public model with a vocabulary that can be run.
const std::filesystem::path& model_named(const std::string& name) {
    static std::map<std::string, std::filesystem::path> made;
    const auto [found, fresh] = made.try_emplace(name);
    if (fresh) {
        const model::GgufFile file(model::test::public_model("arch/" + name + ".gguf"));
        found->second =
            support::write_temporary(name + ".gguf", model::test::with_tiny_vocabulary(file));
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

using model::test::with_underscores;

support::FleetText run_of(const std::string& name, int devices, std::int32_t slices) {
    support::FleetText text;
    text.model = model_named(name);
    text.devices = devices;
    text.source = devices - 1;
    text.tokens = kTokens;
    text.prompt = kPrompt;
    if (slices > 0) {
        text.controller = fmt::format("granularity = \"sliced\"\nslices = {}\n", slices);
    }
    return text;
}

void expect_identity(
    const support::FleetText& text,
    const support::RunChange& change,
    const support::OracleRun& oracle,
    int least_moves
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
    EXPECT_GE(moves, least_moves) << "a run in which nothing moves shows little";
}

class RunOf : public testing::TestWithParam<std::tuple<std::string, std::int32_t>> {};

INSTANTIATE_TEST_SUITE_P(
    Architectures,
    RunOf,
    testing::Combine(
        testing::ValuesIn(model::test::kPublicArchitectures), testing::Values(0, kSlices)
    ),
    [](const auto& test) {
        return with_underscores(std::get<0>(test.param)) +
               (std::get<1>(test.param) > 0 ? "_sliced" : "_paper");
    }
);

TEST_P(RunOf, one_device_has_the_bits_of_the_oracle) {
    HEADROOM_NEEDS_PUBLIC_MODELS();
    const auto& [name, slices] = GetParam();
    expect_identity(run_of(name, 1, slices), {}, oracle_of(name, slices), 0);
}

TEST_P(RunOf, five_devices_with_random_moves_have_the_bits_of_the_oracle) {
    HEADROOM_NEEDS_PUBLIC_MODELS();
    const auto& [name, slices] = GetParam();
    support::FleetText text = run_of(name, 5, slices);
    text.policy = "greedy";
    const support::RandomPolicy random(7);
    support::RunChange change;
    change.policy = &random;
    expect_identity(text, change, oracle_of(name, slices), 20);
}

TEST_P(RunOf, five_devices_under_every_policy_have_the_bits_of_the_oracle) {
    HEADROOM_NEEDS_PUBLIC_MODELS();
    const auto& [name, slices] = GetParam();
    for (const std::string_view policy : scheduler::policies_for_any_problem()) {
        const bool only_sliced = policy == "galaxy";
        const bool only_paper = policy == "mdi_ring" || policy == "paper";
        if ((only_sliced && slices == 0) || (only_paper && slices > 0) || policy == "mdi_ring") {
            continue;
        }
        SCOPED_TRACE(policy);
        support::FleetText text = run_of(name, 5, slices);
        text.policy = policy;
        text.interval = 4;
        expect_identity(text, {}, oracle_of(name, slices), 0);
    }
}

TEST(RunOfModelsWithNormsAfter, refuses_a_ring_by_name) {
    HEADROOM_NEEDS_PUBLIC_MODELS();
    support::FleetText text = run_of("gemma2", 5, kSlices);
    text.policy = "galaxy";
    text.controller += "reduce = \"ring\"\n";
    const config::Scenario scenario = support::make_scenario(text);
    const support::FleetRun run = support::run_fleet(scenario);
    EXPECT_THAT(run.outcome.message, testing::HasSubstr("give reduce = \"hub\""));
}

} // namespace
} // namespace headroom
