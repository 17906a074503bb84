// Runs with KV caches in every type: each logit has the bits of the oracle with such caches, each
// time is the timeline's, memory is the closed form's, and moves send the stored bytes.
#include <fstream>
#include <tuple>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.hpp"
#include "runtime/setup/workload_description.hpp"
#include "scheduler/core/blocks.hpp"
#include "support/fleet_run.hpp"
#include "support/random_policy.hpp"
#include "support/simulated_run.hpp"
#include "support/tiny_model.hpp"
#include "trace/analysis/compare.hpp"

namespace headroom {
namespace {

using testing::AllOf;
using testing::HasSubstr;

/// A model with four groups of two heads of width 32, so that its caches can be in every type.
const std::filesystem::path& model_with_wide_heads() {
    static const std::filesystem::path path = [] {
        model::test::TinyShape shape = support::tiny_shape();
        shape.width = 256;
        const auto made = support::temporary_path("cache-types.gguf");
        support::write_tiny_model(made, shape);
        return made;
    }();
    return path;
}

enum class Layers { whole, sliced, ring };

/// Six requests for three slots, in chunks of five tokens; turns of neighbouring slots are joined.
/// Blocks move between turns.
config::Scenario scenario_with(std::string_view kv_type, int devices, Layers layers) {
    support::FleetText text;
    text.model = model_with_wide_heads();
    text.devices = devices;
    text.source = devices - 1;
    text.kv_type = kv_type;
    text.policy = layers == Layers::ring ? "galaxy" : "greedy"; // the random policy decides
    text.interval = 2;
    if (layers != Layers::whole) {
        text.controller = "granularity = \"sliced\"\nslices = 3\n";
        text.controller += layers == Layers::ring ? "reduce = \"ring\"\n" : "";
    }
    config::Scenario scenario = support::make_scenario(text);
    config::WorkloadConfig& workload = scenario.workload;
    workload.prompts = {"Once upon a time", "Mia", "Once upon a time there was a"};
    workload.tokens_each = {7, 5, 9};
    workload.tokens = 9;
    workload.repeat = 2;
    workload.sequences = 3;
    workload.prefill_chunk = 5;
    scenario.controller.batch = 0;
    return scenario;
}

support::FleetRun run_randomly(const config::Scenario& scenario) {
    static const support::RandomPolicy random(5);
    support::RunChange change;
    change.policy = &random;
    return support::run_fleet(scenario, change);
}

using Setting = std::tuple<const char*, int, Layers>;

std::string name_of_setting(const testing::TestParamInfo<Setting>& info) {
    const auto& [type, devices, layers] = info.param;
    const char* const names[] = {"whole", "sliced", "ring"};
    return fmt::format("{}_{}_devices_{}", type, devices, names[static_cast<int>(layers)]);
}

class CacheTypes : public testing::TestWithParam<Setting> {};

TEST_P(CacheTypes, logits_times_and_memory_equal_oracle_timeline_and_closed_form) {
    const auto& [type, devices, layers] = GetParam();
    const config::Scenario scenario = scenario_with(type, devices, layers);
    const support::RandomPolicy random(5);
    const support::FleetRun run = run_randomly(scenario);
    EXPECT_EQ(support::difference(run, support::run_oracle(scenario)), "");
    EXPECT_THAT(
        trace::differences(
            support::without_values(run.trace),
            support::without_values(support::simulated(scenario, &random).trace)
        ),
        testing::IsEmpty()
    );
    EXPECT_EQ(support::timeline_difference(scenario, run.trace), "");
    EXPECT_EQ(support::memory_difference(scenario, run.trace), "");
    std::int32_t moves = 0;
    for (const trace::Interval& interval : run.trace.intervals) {
        moves += interval.row.moves;
    }
    EXPECT_TRUE(devices == 1 || moves > 5) << moves;
}

INSTANTIATE_TEST_SUITE_P(
    Identity,
    CacheTypes,
    testing::Combine(
        testing::Values("f16", "bf16", "q8_0"),
        testing::Values(1, 3),
        testing::Values(Layers::whole, Layers::sliced, Layers::ring)
    ),
    name_of_setting
);

TEST(OneCacheType, comparisons_notice_another_type) {
    const config::Scenario scenario = scenario_with("f16", 3, Layers::whole);
    const support::FleetRun run = run_randomly(scenario);
    for (const char* const type : {"f32", "bf16", "q8_0"}) {
        const config::Scenario other = scenario_with(type, 3, Layers::whole);
        EXPECT_THAT(support::difference(run, support::run_oracle(other)), HasSubstr("logit"));
        if (std::string_view(type) != "bf16") { // as many bytes
            EXPECT_NE(support::timeline_difference(other, run.trace), "");
            EXPECT_NE(support::memory_difference(other, run.trace), "");
        }
    }
}

/// The bytes that moves of groups sent, without their weights.
Bytes cache_bytes_sent(const config::Scenario& scenario) {
    const support::FleetRun run = run_randomly(scenario);
    const model::GgufFile file(scenario.model_file);
    const scheduler::Blocks blocks(runtime::model_of(scenario, file));
    Bytes sent = 0;
    for (const trace::Interval& interval : run.trace.intervals) {
        for (const trace::MigrationRow& move : interval.migrations) {
            const BlockId b(static_cast<std::size_t>(move.block));
            if (blocks.name(b).kind == BlockKind::group) {
                sent += move.bytes - blocks.matrix_bytes(b);
            }
        }
    }
    return sent;
}

TEST(OneCacheType, moves_send_the_stored_bytes_of_rows) {
    const auto sent = [](std::string_view type) {
        return cache_bytes_sent(scenario_with(type, 3, Layers::whole));
    };
    const Bytes floats = sent("f32");
    EXPECT_GT(floats, 0);
    EXPECT_EQ(sent("f16") * 2, floats);
    EXPECT_EQ(sent("bf16") * 2, floats);
    EXPECT_EQ(sent("q8_0") * 4 * 32, floats * 34); // a block of 32 has 34 bytes
}

TEST(OneCacheType, q8_0_is_refused_for_heads_that_are_no_whole_blocks) {
    support::FleetText text;
    text.model = support::tiny_model_file();
    text.kv_type = "q8_0";
    const support::FleetRun run = support::run_fleet(support::make_scenario(text));
    EXPECT_EQ(run.outcome.exit_code, 2);
    EXPECT_THAT(
        run.outcome.message,
        HasSubstr("KV caches of type q8_0 need heads whose width is a multiple of 32, not 8; "
                  "choose kv_type f16, bf16 or f32")
    );
}

TEST(OneCacheType, a_value_that_the_type_cannot_hold_ends_the_run_and_is_named) {
    model::test::GgufWriter writer = model::test::tiny_model(support::tiny_shape());
    std::string& weights = writer.find_tensor("blk.1.attn_v.weight").data;
    for (std::size_t i = 64 * 16; i < 64 * 17; ++i) { // group 2, element 0
        weights.replace(i * 4, 4, model::test::raw(3e7F));
    }
    const auto path = support::temporary_path("large-values.gguf");
    std::ofstream(path, std::ios::binary) << writer.bytes();
    for (const char* const granularity : {"paper", "sliced"}) {
        support::FleetText text;
        text.model = path;
        text.controller = fmt::format("granularity = \"{}\"\nslices = 3\n", granularity);
        if (granularity == std::string_view("paper")) {
            text.controller = "";
        }
        text.kv_type = "f16";
        support::RunChange change;
        change.faulty = true;
        try {
            (void)support::run_fleet(support::make_scenario(text), change);
            ADD_FAILURE() << "the run went on";
        } catch (const StuckError& error) {
            EXPECT_THAT(
                error.what(),
                AllOf(
                    HasSubstr("L1.g2 on device "),
                    HasSubstr(" at element 0 of the value for token "),
                    HasSubstr("of sequence 0 (layer 1, turn 0), which KV caches of type f16 cannot "
                              "hold; set model.kv_type = \"f32\"")
                )
            );
        }
    }
}

} // namespace
} // namespace headroom
