// weights = "everywhere": targets read weights from their own storage, really and in virtual time.
// Nothing else changes.
#include <filesystem>
#include <fstream>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/error.hpp"
#include "base/random.hpp"
#include "comm/inprocess/inprocess.hpp"
#include "model/decoder/weights.hpp"
#include "model/gguf/gguf.hpp"
#include "runtime/device/migration.hpp"
#include "support/fleet_run.hpp"
#include "support/random_policy.hpp"
#include "support/random_scenario.hpp"
#include "support/tiny_model.hpp"

namespace headroom {
namespace {

constexpr std::int64_t kTokensEverywhere = 16;
/// Types whose quantisation blocks have one element, 32 or 256.
const std::vector<std::string> kTypes{"f32", "q8_0", "q4_k"};

struct TypeCase {
    std::filesystem::path path;
    support::OracleRun oracle;
};

const TypeCase& model_of(bool tied, const std::string& types) {
    static std::map<std::pair<bool, std::string>, TypeCase> made;
    const auto [found, fresh] = made.try_emplace({tied, types});
    if (fresh) {
        model::test::TinyShape shape = support::tiny_shape_in(types);
        shape.tied = tied;
        found->second.path = support::temporary_path(
            fmt::format("everywhere-{}-{}.gguf", tied ? "tied" : "untied", types)
        );
        support::write_tiny_model(found->second.path, shape);
        found->second.oracle =
            support::run_oracle(found->second.path, "Once upon a time", kTokensEverywhere);
    }
    return found->second;
}

/// Returns a random fleet with storages that are faster or slower than the links.
config::Scenario scenario_of(const TypeCase& model, std::uint64_t seed) {
    Random random(stream_seed(seed, "everywhere"));
    support::FleetText text;
    text.model = model.path;
    text.devices = 2 + static_cast<int>(random.below(5));
    text.interval = 1 + static_cast<std::int64_t>(random.below(3));
    text.tokens = kTokensEverywhere;
    text.source = static_cast<int>(random.below(static_cast<std::uint64_t>(text.devices)));
    config::Scenario scenario = support::make_scenario(text);
    scenario.controller.weights = config::WeightsMode::everywhere;
    if (seed % 2 == 0) {
        support::add_random_costs(scenario, seed);
    }
    for (scheduler::DeviceSpec& device : scenario.fleet.devices) {
        device.storage_bandwidth.base = 200'000 * static_cast<PerSecond>(1 + random.below(200)) + 7;
        if (random.below(2) == 0) {
            device.storage_bandwidth.changes.push_back({-1, 5, 300'000'000});
        }
        if (random.below(3) == 0) {
            device.egress.base = 2'000'000;
            device.ingress.base = 1'500'000;
        }
    }
    return scenario;
}

support::FleetRun random_run(const config::Scenario& scenario, std::uint64_t seed) {
    const support::RandomPolicy random(seed, 40);
    support::RunChange change;
    change.policy = &random;
    return support::run_fleet(scenario, change);
}

TEST(WeightsEverywhere, keeps_text_and_logits_and_has_the_times_of_the_timeline) {
    std::int64_t moves = 0;
    std::int64_t tied_heads = 0;
    for (std::uint64_t seed = 0; seed < 40; ++seed) {
        const TypeCase& model = model_of(seed % 2 == 0, kTypes[seed / 2 % kTypes.size()]);
        const config::Scenario scenario = scenario_of(model, seed);
        const support::FleetRun run = random_run(scenario, seed);
        ASSERT_EQ(support::difference(run, model.oracle), "") << "seed " << seed;
        ASSERT_EQ(support::timeline_difference(scenario, run.trace), "") << "seed " << seed;
        for (const trace::Interval& interval : run.trace.intervals) {
            for (const trace::MigrationRow& move : interval.migrations) {
                const trace::BlockRow& block =
                    run.trace.header.blocks[static_cast<std::size_t>(move.block)];
                const bool group = block.kind == static_cast<std::int32_t>(BlockKind::group);
                EXPECT_EQ(move.bytes > 0, group) << block.name << ": only caches are sent";
                EXPECT_LE(move.loaded_bytes, block.weight_bytes) << block.name;
                EXPECT_GT(move.loaded_bytes, 0) << block.name;
                EXPECT_NE(move.checksum, 0U) << block.name;
                tied_heads += move.loaded_bytes < block.weight_bytes ? 1 : 0;
                ++moves;
            }
        }
    }
    EXPECT_GT(moves, 500);
    EXPECT_GT(tied_heads, 5) << "no lm_head ever landed beside embed";
}

TEST(WeightsEverywhere, twin_the_comparison_sees_a_slower_storage_and_weights_that_were_sent) {
    const config::Scenario scenario = scenario_of(model_of(true, "f32"), 3);
    const support::FleetRun run = random_run(scenario, 3);
    ASSERT_EQ(support::timeline_difference(scenario, run.trace), "");
    config::Scenario slower = scenario;
    for (scheduler::DeviceSpec& device : slower.fleet.devices) {
        device.storage_bandwidth.base = device.storage_bandwidth.base / 2;
    }
    EXPECT_NE(support::timeline_difference(slower, run.trace), "");
    config::Scenario sent = scenario;
    sent.controller.weights = config::WeightsMode::move;
    EXPECT_NE(support::timeline_difference(sent, run.trace), "");
}

TEST(WeightsEverywhere, is_passed_to_policies_and_their_predictions_are_recorded) {
    const TypeCase& model = model_of(false, "q8_0");
    config::Scenario scenario = scenario_of(model, 8);
    for (scheduler::DeviceSpec& device : scenario.fleet.devices) {
        device.storage_bandwidth = {.base = 50'000'000};
        device.egress.base = device.ingress.base = kUnlimited;
    }
    const support::FleetRun loaded = random_run(scenario, 8);
    scenario.controller.weights = config::WeightsMode::move;
    const support::FleetRun sent = random_run(scenario, 8);
    Nanoseconds less = 0;
    for (std::size_t i = 0; i < loaded.trace.intervals.size(); ++i) {
        less += sent.trace.intervals[i].row.predicted_migration_ns -
                loaded.trace.intervals[i].row.predicted_migration_ns;
    }
    EXPECT_GT(less, 0) << "storages are faster than links here";
}

/// Two devices with blocks. The storage of device 1 is the file of another model.
class WrongFile : public testing::Test {
  protected:
    static std::filesystem::path written(const char* name, std::uint64_t seed) {
        const auto path = support::temporary_path(name);
        model::test::TinyShape shape = support::tiny_shape();
        shape.seed = seed;
        support::write_tiny_model(path, shape);
        return path;
    }

    /// Moves all blocks but the last from device 0 to device 1.
    void migrate(const std::filesystem::path& storage_of_1) {
        const config::Scenario scenario = [&] {
            support::FleetText text;
            text.model = good_;
            text.devices = 2;
            return support::make_scenario(text);
        }();
        comm::InprocessFleet(2).run([&](comm::Transport& transport) {
            const DeviceId self = transport.self();
            const model::GgufFile file(self == DeviceId(1) ? storage_of_1 : good_);
            const model::Hyperparameters model = model::read_hyperparameters(file);
            const scheduler::Blocks blocks(model);
            runtime::DeviceMemory resident(model, blocks, self, {});
            const scheduler::Placement all(blocks.size(), DeviceId(0));
            resident.load(file, all);
            resident.install(all);
            resident.open_storage(file);
            scheduler::Placement to(blocks.size(), DeviceId(1));
            to.back() = DeviceId(0);
            device::DeviceClock clock(scenario.fleet, self);
            std::vector<Bytes> sent(2, 0);
            const auto arrived = runtime::migrate(
                resident,
                {{all, to, {0}, true}, 1, 0, self == DeviceId(1) ? "pi" : "hub"},
                clock,
                transport,
                sent
            );
            EXPECT_EQ(arrived.size(), self == DeviceId(1) ? blocks.size() - 1 : 0);
            EXPECT_EQ(sent[1], 0) << "no cache rows, so there is no message";
        });
    }

    std::filesystem::path good_ = written("right.gguf", 1);
};

TEST_F(WrongFile, is_found_by_its_checksum_with_device_and_file) {
    migrate(good_);
    const auto wrong = written("wrong.gguf", 2);
    try {
        migrate(wrong);
        FAIL() << "another model's weights went unnoticed";
    } catch (const EnvironmentError& error) {
        const std::string text = error.what();
        EXPECT_NE(
            text.find("device 1 (pi) has other weights of embed in " + wrong.string()),
            std::string::npos
        ) << text;
        EXPECT_NE(text.find("than device 0 holds"), std::string::npos) << text;
    }
}

TEST(WeightsEverywhere, a_model_file_that_changes_during_the_run_ends_it) {
    const auto copy = support::temporary_path("changes.gguf");
    std::filesystem::copy_file(model_of(false, "f32").path, copy);
    TypeCase model{copy, {}};
    const config::Scenario scenario = scenario_of(model, 5);
    const support::RandomPolicy random(5, 60);
    support::RunChange change;
    change.policy = &random;
    std::size_t loaded = 0;
    change.after_load = [&] {
        if (++loaded == scenario.fleet.size()) {
            std::ofstream(copy, std::ios::app) << "x";
        }
    };
    try {
        (void)support::run_fleet(scenario, change);
        FAIL() << "the change went unnoticed";
    } catch (const EnvironmentError& error) {
        const std::string text = error.what();
        EXPECT_NE(text.find("cannot load"), std::string::npos) << text;
        EXPECT_NE(text.find("has changed since the run began"), std::string::npos) << text;
    }
}

} // namespace
} // namespace headroom
