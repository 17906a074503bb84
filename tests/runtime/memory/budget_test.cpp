// The bytes that a device holds are those of the closed forms, and during a migration no device
// holds more than before or after.
#include <gtest/gtest.h>

#include "base/error.hpp"
#include "model/decoder/weights.hpp"
#include "support/fleet_run.hpp"
#include "support/random_policy.hpp"
#include "support/tiny_model.hpp"

namespace headroom {
namespace {

std::filesystem::path model_path(bool tied) {
    const auto path = support::temporary_path(tied ? "budget-tied.gguf" : "budget.gguf");
    model::test::TinyShape shape = support::tiny_shape();
    shape.tied = tied;
    shape.width = 256; // blocks of several pieces, so that there are states within a move
    shape.ffn_width = 512;
    shape.vocabulary = 400;
    shape.type = model::test::StoredType::q8_0;
    support::write_tiny_model(path, shape);
    return path;
}

struct Held {
    const scheduler::Blocks& blocks;
    Bytes buffers;
    [[nodiscard]] Bytes operator()(
        const std::vector<std::int32_t>& devices, std::int32_t device, std::int64_t context
    ) const {
        scheduler::Placement placement;
        for (const std::int32_t d : devices) {
            placement.emplace_back(d);
        }
        Bytes held = 0;
        for (std::size_t i = 0; i < placement.size(); ++i) {
            if (devices[i] == device) {
                held += blocks.resident_bytes(BlockId(i), context, placement);
            }
        }
        return held > 0 ? held + buffers : 0;
    }
};

class Budget : public testing::TestWithParam<std::tuple<bool, config::WeightsMode>> {};

TEST_P(Budget, is_the_closed_form_and_is_never_exceeded_on_the_way) {
    support::FleetText text;
    const auto [tied, weights] = GetParam();
    text.model = model_path(tied);
    text.devices = 4;
    text.interval = 3;
    text.tokens = 40;
    config::Scenario scenario = support::make_scenario(text);
    scenario.controller.weights = weights;
    const support::RandomPolicy random(9, 50);
    support::RunChange change;
    change.policy = &random;
    const support::FleetRun run = support::run_fleet(scenario, change);
    ASSERT_EQ(run.outcome.exit_code, 0) << run.outcome.message;

    const model::GgufFile file(text.model);
    const scheduler::Blocks blocks(model::read_hyperparameters(file));
    const std::int64_t prompt = run.trace.header.numbers.at("prompt_tokens");
    const Held held{blocks, scheduler::buffer_bytes(blocks.shape(), {prompt})};
    const trace::Interval* previous = nullptr;
    Bytes tightest = 1 << 30;
    for (const trace::Interval& interval : run.trace.intervals) {
        const std::int64_t before = prompt + interval.row.first_token - 1;
        const std::int64_t after = before + interval.row.tokens;
        for (const trace::ResourceRow& row : interval.resources) {
            EXPECT_EQ(row.memory_used_bytes, held(interval.placement, row.device, after));
            if (previous != nullptr) {
                const Bytes most = std::max(
                    held(previous->placement, row.device, before),
                    held(interval.placement, row.device, after)
                );
                EXPECT_LE(row.memory_peak_bytes, most) << "device " << row.device;
                tightest = std::min(tightest, most - row.memory_peak_bytes);
            }
        }
        previous = &interval;
    }
    EXPECT_EQ(tightest, 0) << "the bound is never met: it is not the bound that matters";
}

INSTANTIATE_TEST_SUITE_P(
    TiedOrNot,
    Budget,
    testing::Combine(
        testing::Bool(), testing::Values(config::WeightsMode::move, config::WeightsMode::everywhere)
    )
);

TEST(BudgetTooSmall, infeasible_first_placement_ends_with_exit_code_6_and_its_shortages) {
    support::FleetText text;
    text.model = model_path(false);
    text.memory = "120 KiB";
    const support::FleetRun run = support::run_fleet(support::make_scenario(text));
    EXPECT_EQ(run.outcome.exit_code, 6);
    EXPECT_NE(run.outcome.message.find("d0 has 120 KiB"), std::string::npos) << run.outcome.message;
    EXPECT_NE(run.outcome.message.find("less than"), std::string::npos) << run.outcome.message;
    EXPECT_TRUE(run.trace.intervals.empty());
}

TEST(BudgetTooSmall, later_the_previous_placement_is_kept_and_recorded) {
    support::FleetText text;
    text.model = model_path(false);
    text.interval = 4;
    text.tokens = 20;
    text.memory = "8 MiB";
    config::Scenario scenario = support::make_scenario(text);
    for (scheduler::DeviceSpec& device : scenario.fleet.devices) {
        device.memory.changes.push_back({-1, 6, 50'000'000}
        ); // from token 6 on a twentieth of it is left
    }
    const support::FleetRun run = support::run_fleet(scenario);
    EXPECT_EQ(run.outcome.exit_code, 0) << run.outcome.message;
    const support::OracleRun oracle = support::run_oracle(text.model, text.prompt, text.tokens);
    EXPECT_EQ(support::difference(run, oracle), "") << "paging costs time, never tokens";
    EXPECT_EQ(support::timeline_difference(scenario, run.trace), "");
    EXPECT_EQ(run.trace.intervals.front().row.feasible, 1);
    EXPECT_EQ(run.trace.intervals.back().row.feasible, 0);
    EXPECT_EQ(run.trace.intervals.back().row.moves, 0);
}

TEST(Overload, fail_ends_the_run_with_an_infeasible_error_that_names_device_and_bytes) {
    support::FleetText text;
    text.model = model_path(false);
    text.interval = 100;
    text.tokens = 20;
    config::Scenario scenario = support::make_scenario(text);
    scenario.controller.overload = config::OverloadMode::fail;
    for (scheduler::DeviceSpec& device : scenario.fleet.devices) {
        device.memory.changes.push_back({-1, 6, 1'000'000});
    }
    try {
        (void)support::run_fleet(scenario);
        FAIL() << "an overload went unnoticed";
    } catch (const InfeasibleError& error) {
        EXPECT_NE(std::string(error.what()).find("may not page"), std::string::npos);
    }
}

} // namespace
} // namespace headroom
