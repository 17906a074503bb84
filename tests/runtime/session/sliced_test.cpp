// Runs in granularity `sliced`: for every placement, number of devices, reduction and weight type,
// every logit has the bits of the oracle in the same cut, every time is the timeline's, and memory
// is the closed form's.
#include <fstream>
#include <map>
#include <tuple>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.hpp"
#include "model/decoder/execute.hpp"
#include "model/decoder/weights.hpp"
#include "scheduler/core/blocks.hpp"
#include "support/fleet_run.hpp"
#include "support/random_policy.hpp"
#include "support/random_scenario.hpp"
#include "support/tiny_model.hpp"

namespace headroom {
namespace {

using testing::HasSubstr;

constexpr std::int64_t kTokens = 8;
constexpr const char* kPrompt = "Once upon a time";

std::filesystem::path model_in(const std::string& types, bool tied) {
    static std::map<std::pair<std::string, bool>, std::filesystem::path> made;
    const auto [found, fresh] = made.try_emplace({types, tied});
    if (fresh) {
        model::test::TinyShape shape = support::tiny_shape_in(types);
        shape.tied = tied;
        found->second = support::temporary_path(
            fmt::format("sliced-{}-{}.gguf", types, tied ? "tied" : "untied")
        );
        support::write_tiny_model(found->second, shape);
    }
    return found->second;
}

/// Returns the oracle's result in this cut, computed at the first call.
const support::OracleRun& oracle_of(const std::filesystem::path& model, std::int32_t slices) {
    static std::map<std::pair<std::string, std::int32_t>, support::OracleRun> found;
    const auto [at, fresh] = found.try_emplace({model.string(), slices});
    if (fresh) {
        at->second = support::run_oracle(model, kPrompt, kTokens, {slices});
    }
    return at->second;
}

support::FleetText sliced_run(
    const std::filesystem::path& model, int devices, std::int32_t slices, bool ring = false
) {
    support::FleetText text;
    text.model = model;
    text.devices = devices;
    text.source = devices - 1;
    text.tokens = kTokens;
    text.prompt = kPrompt;
    text.policy =
        ring ? "galaxy" : "greedy"; // the random policy decides; only galaxy allows a ring
    text.controller = fmt::format("granularity = \"sliced\"\nslices = {}\n", slices);
    text.controller += ring ? "reduce = \"ring\"\n" : "";
    return text;
}

std::int32_t moves_in(const support::FleetRun& run) {
    std::int32_t moves = 0;
    for (const trace::Interval& interval : run.trace.intervals) {
        moves += interval.row.moves;
    }
    return moves;
}

support::FleetRun run_randomly(const config::Scenario& scenario, std::uint64_t seed) {
    const support::RandomPolicy random(seed);
    support::RunChange change;
    change.policy = &random;
    return support::run_fleet(scenario, change);
}

/// Numbers of slices for an ffn of 96 or 256 columns: 1, 2, an odd number or 64, slices of 3 or 8
/// columns, and single columns.
std::int32_t slices_of(const std::string& types, int which) {
    const bool wide = support::tiny_shape_in(types).ffn_width == 256;
    const std::int32_t narrow_ones[] = {1, 2, 3, 32, 96};
    const std::int32_t wide_ones[] = {1, 2, 64, 32, 256};
    return wide ? wide_ones[which] : narrow_ones[which];
}

class Sliced : public testing::TestWithParam<std::tuple<int, int, bool, const char*>> {};

TEST_P(Sliced, text_logits_times_and_bytes_equal_oracle_timeline_and_closed_form) {
    const auto& [devices, which, ring, types] = GetParam();
    const auto model = model_in(types, devices % 2 == 0);
    const std::int32_t slices = slices_of(types, which);
    support::FleetText text = sliced_run(model, devices, slices, ring);
    text.interval = (devices + which) % 2 == 0 ? 1 : 3;
    config::Scenario scenario = support::make_scenario(text);
    const auto seed = static_cast<std::uint64_t>(10 * devices + which);
    if (which % 2 == 1) {
        support::add_random_costs(scenario, seed);
    }
    const support::FleetRun run = run_randomly(scenario, seed);
    EXPECT_EQ(support::difference(run, oracle_of(model, slices)), "");
    EXPECT_EQ(support::timeline_difference(scenario, run.trace), "");
    EXPECT_EQ(support::memory_difference(scenario, run.trace), "");
    if (devices > 1) {
        EXPECT_GT(moves_in(run), 1) << "a run in which nothing moves shows little";
    }
}

std::string sliced_name(const testing::TestParamInfo<Sliced::ParamType>& test) {
    const std::string types = std::get<3>(test.param);
    return fmt::format(
        "{}_devices_{}_slices_{}_{}",
        std::get<0>(test.param),
        slices_of(types, std::get<1>(test.param)),
        std::get<2>(test.param) ? "ring" : "hub",
        types
    );
}

INSTANTIATE_TEST_SUITE_P(
    Identity,
    Sliced,
    testing::Combine(
        testing::Values(1, 2, 3, 4, 5),
        testing::Values(0, 1, 2, 3, 4),
        testing::Bool(),
        testing::ValuesIn(support::kTypeNames)
    ),
    sliced_name
);
INSTANTIATE_TEST_SUITE_P(
    OtherTypes,
    Sliced,
    testing::Combine(
        testing::Values(5),
        testing::Values(3),
        testing::Bool(),
        testing::ValuesIn(support::kOtherTypeNames)
    ),
    sliced_name
);

TEST(SlicedRuns, of_different_cuts_have_different_bits) { // twin: the comparison above can fail
    const auto model = model_in("f32", false);
    const support::FleetRun run = run_randomly(support::make_scenario(sliced_run(model, 3, 2)), 1);
    EXPECT_EQ(support::difference(run, oracle_of(model, 2)), "");
    EXPECT_NE(support::difference(run, oracle_of(model, 3)), "");
    EXPECT_NE(support::difference(run, oracle_of(model, 0)), "") << "whole blocks";
}

TEST(SlicedRuns, load_their_parts_from_storage_with_weights_everywhere) {
    for (const char* types : {"f32", "q8_0", "q4_k"}) {
        for (const bool ring : {false, true}) {
            const auto model = model_in(types, true);
            support::FleetText text = sliced_run(model, 4, 32, ring);
            text.controller += "weights = \"everywhere\"\n";
            const config::Scenario scenario = support::make_scenario(text);
            const support::FleetRun run = run_randomly(scenario, 7);
            EXPECT_EQ(support::difference(run, oracle_of(model, 32)), "") << types;
            EXPECT_EQ(support::timeline_difference(scenario, run.trace), "") << types;
            EXPECT_EQ(support::memory_difference(scenario, run.trace), "") << types;
            EXPECT_GT(moves_in(run), 10);
        }
    }
}

TEST(SlicedRuns, page_and_queue_as_the_timeline_says) {
    for (const char* types : {"f32", "q4_0", "q4_k"}) {
        for (const bool ring : {false, true}) {
            const auto model = model_in(types, false);
            config::Scenario scenario = support::make_scenario(sliced_run(model, 4, 32, ring));
            for (scheduler::DeviceSpec& device : scenario.fleet.devices) {
                device.egress.base = 2'000'000;
                device.ingress.base = 1'500'000;
            }
            scenario.fleet.devices[1].memory.changes.push_back({-1, 3, 1'000'000});
            scenario.fleet.devices[2].memory.changes.push_back({-1, 5, 800'000});
            scenario.controller.interval = 3;
            const support::FleetRun run = run_randomly(scenario, 3);
            EXPECT_EQ(support::difference(run, oracle_of(model, 32)), "") << types;
            EXPECT_EQ(support::timeline_difference(scenario, run.trace), "") << types;
            std::size_t overloads = 0;
            for (const trace::Interval& interval : run.trace.intervals) {
                overloads += interval.events.size();
            }
            EXPECT_GT(overloads, 0U) << "nothing was paged";
        }
    }
}

TEST(SlicedRuns, decode_one_prompt_after_the_other_with_random_sampling) {
    for (const bool ring : {false, true}) {
        config::Scenario scenario =
            support::make_scenario(sliced_run(model_in("q8_0", true), 5, 3, ring));
        scenario.workload.prompts = {kPrompt, "M", "Mia"};
        scenario.workload.temperature = 1;
        const support::FleetRun run = run_randomly(scenario, 11);
        EXPECT_EQ(support::difference(run, support::run_oracle(scenario)), "");
        EXPECT_EQ(support::timeline_difference(scenario, run.trace), "");
        EXPECT_NE(support::difference(run, support::run_oracle(scenario, true)), "");
    }
}

TEST(SlicedRuns, twin_an_added_wait_differs_from_the_timeline) {
    for (const bool ring : {false, true}) {
        const auto model = model_in("f32", false);
        const config::Scenario scenario = support::make_scenario(sliced_run(model, 3, 2, ring));
        const support::RandomPolicy random(5);
        support::RunChange change;
        change.policy = &random;
        change.planted_wait = 1;
        const support::FleetRun run = support::run_fleet(scenario, change);
        EXPECT_EQ(support::difference(run, oracle_of(model, 2)), "");
        EXPECT_NE(support::timeline_difference(scenario, run.trace), "");
    }
}

TEST(SlicedRuns, with_slices_that_do_not_divide_the_ffn_end_with_a_suggestion) {
    const config::Scenario scenario =
        support::make_scenario(sliced_run(model_in("f32", false), 3, 5));
    const support::FleetRun run = run_randomly(scenario, 1);
    EXPECT_EQ(run.outcome.exit_code, static_cast<int>(ExitCode::bad_input));
    EXPECT_THAT(
        run.outcome.message,
        HasSubstr("controller.slices = 5 does not divide the model's FFN width of 96")
    );
    EXPECT_THAT(run.outcome.message, HasSubstr("1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48"));
    EXPECT_THAT(run.outcome.message, testing::Not(HasSubstr("on device")));
}

TEST(SlicedRuns, name_the_block_whose_numbers_fixed_point_cannot_hold) {
    model::test::GgufWriter writer = model::test::tiny_model(support::tiny_shape());
    const float huge = 3e38F;
    writer.find_tensor("blk.1.attn_output.weight").data.replace(4 * 17, 4, model::test::raw(huge));
    const auto path = support::temporary_path("sliced-huge.gguf");
    std::ofstream(path, std::ios::binary) << writer.bytes();
    for (const bool ring : {false, true}) {
        const config::Scenario scenario = support::make_scenario(sliced_run(path, 2, 2, ring));
        try {
            (void)run_randomly(scenario, 1);
            FAIL() << "nobody noticed";
        } catch (const InputError& error) {
            EXPECT_THAT(error.what(), HasSubstr("L1.g1 of model"));
        }
    }
}

/// Compares the widths of a slice's gate and a group's outputs by the closed forms of
/// scheduler/core with those of the blocks.
TEST(SlicedBuffers, are_as_wide_as_the_widest_block) {
    std::vector<const char*> all(support::kTypeNames.begin(), support::kTypeNames.end());
    all.insert(all.end(), support::kOtherTypeNames.begin(), support::kOtherTypeNames.end());
    for (const char* types : all) {
        const model::GgufFile file(model_in(types, false));
        const model::Hyperparameters model = model::read_hyperparameters(file);
        const ModelShape shape = model;
        for (std::int32_t slices = 1; slices <= model.ffn_width; ++slices) {
            if (model.ffn_width % slices != 0) {
                continue;
            }
            const scheduler::Cut cut{scheduler::Granularity::sliced, slices};
            EXPECT_EQ(
                scheduler::max_hidden_columns(shape, cut),
                model::max_hidden_columns(model, {slices})
            ) << types
              << " in " << slices;
            EXPECT_EQ(scheduler::max_head_columns(shape), model::max_head_columns(model, {slices}));
            const scheduler::Blocks blocks(shape, cut);
            for (std::size_t b = 0; b < blocks.size(); ++b) {
                const BlockName name = blocks.name(BlockId(b));
                const model::Block block(
                    model, name, 65536, std::pmr::null_memory_resource(), true, {slices}
                );
                Bytes bytes = 0;
                for (std::size_t i = 0; i < block.pieces(); ++i) {
                    bytes += block.piece_bytes(i);
                }
                EXPECT_EQ(bytes, blocks.matrix_bytes(BlockId(b)) + blocks.norm_bytes(BlockId(b)))
                    << types << " " << to_string(name) << " in " << slices;
            }
        }
    }
}

} // namespace
} // namespace headroom
