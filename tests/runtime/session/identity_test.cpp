// For every placement, number of devices, policy, interval and weight type, every logit has the
// oracle's bits, and every time is the timeline's, to the nanosecond.
#include <map>
#include <tuple>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "support/fleet_run.hpp"
#include "support/random_policy.hpp"
#include "support/tiny_model.hpp"

namespace headroom {
namespace {

constexpr std::int64_t kTokens = 18;

struct ModelCase {
    std::filesystem::path path;
    support::OracleRun oracle;
};

/// Returns a model with these weight types and the oracle's result, both made at the first call.
const ModelCase& model_in(const std::string& types, bool tied) {
    static std::map<std::pair<std::string, bool>, ModelCase> made;
    const auto [found, fresh] = made.try_emplace({types, tied});
    if (fresh) {
        model::test::TinyShape shape = support::tiny_shape_in(types);
        shape.tied = tied;
        found->second.path = support::temporary_path(
            fmt::format("identity-{}-{}.gguf", types, tied ? "tied" : "untied")
        );
        support::write_tiny_model(found->second.path, shape);
        found->second.oracle = support::run_oracle(found->second.path, "Once upon a time", kTokens);
    }
    return found->second;
}

/// Returns all policies that do not need sliced layers or a fixed number of devices, two of them
/// also under cost profile `paper`, and the random policy.
std::vector<std::string> policies() {
    std::vector<std::string> all{"random", "paper_by_formula", "resource_aware_by_formula"};
    for (const std::string_view name : scheduler::policies_for_any_problem()) {
        if (name != "galaxy" && name != "mdi_ring") { // see SlicedPolicies and PublishedRing
            all.emplace_back(name);
        }
    }
    return all;
}

void choose_policy(std::string name, support::FleetText& text) {
    constexpr std::string_view kByFormula = "_by_formula";
    if (name.ends_with(kByFormula)) {
        name.resize(name.size() - kByFormula.size());
        text.controller = "cost_profile = \"paper\"\n";
    }
    text.policy = name == "random" ? "greedy" : name;
}

class Matrix : public testing::TestWithParam<std::tuple<int, std::string, int, const char*>> {};

TEST_P(Matrix, text_logits_and_times_equal_oracle_and_timeline) {
    const auto& [devices, policy, interval, types] = GetParam();
    const ModelCase& model = model_in(types, devices % 2 == 0);
    support::FleetText text;
    text.model = model.path;
    text.devices = devices;
    text.interval = interval;
    text.tokens = kTokens;
    text.source = devices - 1;
    text.ends = policy == "random" || interval == 1 ? "anywhere" : "source";
    choose_policy(policy, text);
    const config::Scenario scenario = support::make_scenario(text);
    const support::RandomPolicy random(static_cast<std::uint64_t>(devices));
    support::RunChange change;
    change.policy = policy == "random" ? &random : nullptr;
    const support::FleetRun run = support::run_fleet(scenario, change);
    EXPECT_EQ(support::difference(run, model.oracle), "");
    EXPECT_EQ(support::timeline_difference(scenario, run.trace), "");
    if (policy == "random" && devices > 1) {
        std::int32_t moves = 0;
        for (const trace::Interval& i : run.trace.intervals) {
            moves += i.row.moves;
        }
        EXPECT_GT(moves, interval == 1 ? 20 : 1) << "a run in which nothing moves shows little";
    }
}

std::string matrix_name(const testing::TestParamInfo<Matrix::ParamType>& test) {
    return fmt::format(
        "{}_devices_{}_every_{}_{}",
        std::get<0>(test.param),
        std::get<1>(test.param),
        std::get<2>(test.param),
        std::get<3>(test.param)
    );
}

INSTANTIATE_TEST_SUITE_P(
    Identity,
    Matrix,
    testing::Combine(
        testing::Values(1, 2, 3, 5, 8),
        testing::ValuesIn(policies()),
        testing::Values(1, 8),
        testing::ValuesIn(support::kTypeNames)
    ),
    matrix_name
);
INSTANTIATE_TEST_SUITE_P(
    OtherTypes,
    Matrix,
    testing::Combine(
        testing::Values(4, 5),
        testing::Values("random"),
        testing::Values(1),
        testing::ValuesIn(support::kOtherTypeNames)
    ),
    matrix_name
);

constexpr std::int32_t kSlices = 4;

/// The policies that can place sliced layers; galaxy with both reductions.
std::vector<std::string> sliced_policies() {
    std::vector<std::string> all{"galaxy_by_ring"};
    for (const std::string_view name : scheduler::policies_for_any_problem()) {
        if (name != "paper" && name != "mdi_ring") {
            all.emplace_back(name);
        }
    }
    return all;
}

class SlicedPolicies : public testing::TestWithParam<std::tuple<int, std::string, const char*>> {};

TEST_P(SlicedPolicies, text_logits_and_times_equal_oracle_and_timeline) {
    const auto& [devices, policy, types] = GetParam();
    static std::map<std::string, support::OracleRun> oracles;
    const std::filesystem::path model = model_in(types, false).path;
    const auto [oracle, fresh] = oracles.try_emplace(types);
    if (fresh) {
        oracle->second = support::run_oracle(model, "Once upon a time", kTokens, {kSlices});
    }
    support::FleetText text;
    text.model = model;
    text.devices = devices;
    text.interval = 3;
    text.tokens = kTokens;
    text.controller = fmt::format("granularity = \"sliced\"\nslices = {}\n", kSlices);
    const bool ring = policy == "galaxy_by_ring";
    text.policy = ring ? "galaxy" : policy;
    text.controller += ring ? "reduce = \"ring\"\n" : "";
    const config::Scenario scenario = support::make_scenario(text);
    const support::FleetRun run = support::run_fleet(scenario);
    EXPECT_EQ(support::difference(run, oracle->second), "");
    EXPECT_EQ(support::timeline_difference(scenario, run.trace), "");
}

INSTANTIATE_TEST_SUITE_P(
    Identity,
    SlicedPolicies,
    testing::Combine(
        testing::Values(1, 2, 4),
        testing::ValuesIn(sliced_policies()),
        testing::ValuesIn(support::kTypeNames)
    ),
    [](const auto& test) {
        return fmt::format(
            "{}_devices_{}_{}",
            std::get<0>(test.param),
            std::get<1>(test.param),
            std::get<2>(test.param)
        );
    }
);

/// mdi_ring's published table splits 5 layers over 2 or 3 devices.
TEST(PublishedRing, text_logits_and_times_equal_oracle_and_timeline) {
    model::test::TinyShape shape = support::tiny_shape_in("f32");
    shape.layers = 5;
    const auto path = support::temporary_path("identity-five-layers.gguf");
    support::write_tiny_model(path, shape);
    const support::OracleRun oracle = support::run_oracle(path, "Once upon a time", kTokens);
    for (const int devices : {2, 3}) {
        support::FleetText text;
        text.model = path;
        text.devices = devices;
        text.tokens = kTokens;
        text.policy = "mdi_ring";
        const config::Scenario scenario = support::make_scenario(text);
        const support::FleetRun run = support::run_fleet(scenario);
        EXPECT_EQ(support::difference(run, oracle), "");
        EXPECT_EQ(support::timeline_difference(scenario, run.trace), "");
    }
}

support::FleetText small_run() {
    support::FleetText text;
    text.model = model_in("f32", false).path;
    text.tokens = kTokens;
    return text;
}

TEST(Identity, comparison_with_the_oracle_notices_one_flipped_bit) {
    support::FleetRun run = support::run_fleet(support::make_scenario(small_run()));
    const support::OracleRun& oracle = model_in("f32", false).oracle;
    ASSERT_EQ(support::difference(run, oracle), "");
    auto* const bits = reinterpret_cast<unsigned char*>(&run.logits[7][40]);
    *bits = static_cast<unsigned char>(*bits ^ 1U);
    EXPECT_NE(support::difference(run, oracle).find("turn 7, logit 40"), std::string::npos);
}

TEST(OneTimeline, a_planted_wait_in_the_runtime_makes_the_comparison_fail) {
    const config::Scenario scenario = support::make_scenario(small_run());
    support::RunChange change;
    change.planted_wait = 1;
    const support::FleetRun run = support::run_fleet(scenario, change);
    EXPECT_EQ(support::difference(run, model_in("f32", false).oracle), "");
    EXPECT_NE(support::timeline_difference(scenario, run.trace), "");
}

TEST(OneTimeline, holds_with_capped_egress_and_ingress_and_paging) {
    support::FleetText text = small_run();
    text.devices = 4;
    // The event comes at a decision that moves blocks; its transfers use the rates before the
    // event.
    for (int from = 0; from < 4; ++from) {
        for (int to = from + 1; to < 4; ++to) {
            text.extra += fmt::format(
                "[[event]]\nat_token = 4\nlink = [\"d{}\", \"d{}\"]\nkind = \"bandwidth\"\n"
                "factor = 0.02\n",
                from,
                to
            );
        }
    }
    config::Scenario scenario = support::make_scenario(text);
    for (scheduler::DeviceSpec& device : scenario.fleet.devices) {
        device.egress.base = 2'000'000;
        device.ingress.base = 1'500'000;
    }
    // Memory shrinks below what the device holds, within an interval.
    scenario.fleet.devices[1].memory.changes.push_back({-1, 5, 1'000'000});
    scenario.fleet.devices[2].memory.changes.push_back({-1, 9, 500'000});
    scenario.controller.interval = 4;
    const support::RandomPolicy random(3);
    support::RunChange change;
    change.policy = &random;
    const support::FleetRun run = support::run_fleet(scenario, change);
    EXPECT_EQ(support::difference(run, model_in("f32", false).oracle), "");
    EXPECT_EQ(support::timeline_difference(scenario, run.trace), "");
    std::size_t overloads = 0;
    for (const trace::Interval& interval : run.trace.intervals) {
        overloads += interval.events.size();
    }
    EXPECT_GT(overloads, 0U) << "no device was ever over its budget: nothing was paged";
}

} // namespace
} // namespace headroom
