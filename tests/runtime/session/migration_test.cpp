// Migrations really copy bytes: a target computes with the bytes that it received.
#include <fstream>

#include <gtest/gtest.h>

#include "base/checksum.hpp"
#include "base/error.hpp"
#include "model/gguf/gguf.hpp"
#include "runtime/messages/wire.hpp"
#include "support/fleet_run.hpp"
#include "support/forwarding_transport.hpp"
#include "support/random_policy.hpp"
#include "support/tiny_model.hpp"

namespace headroom {
namespace {

constexpr std::int64_t kMovingTokens = 20;

support::FleetText moving_run() {
    support::FleetText text;
    text.model = support::tiny_model_file();
    text.tokens = kMovingTokens;
    text.interval = 4;
    return text;
}

enum class Spoil { nothing, cache_and_checksum, cache_only };

/// Flips one bit of the first cache page that arrives at device 1.
class Spoiler final : public support::ForwardingTransport {
  public:
    Spoiler(comm::Transport& inner, Spoil what, int& spoiled)
        : ForwardingTransport(inner), what_(what), spoiled_(spoiled) {}

    void receive(
        DeviceId from,
        comm::Tag tag,
        std::span<const comm::Part> parts,
        const comm::WaitReason& reason
    ) override {
        ForwardingTransport::receive(from, tag, parts, reason);
        const bool cache_page = tag == comm::Tag::migration && parts.size() == 3;
        if (!cache_page || spoiled_ > 0 || what_ == Spoil::nothing) {
            return;
        }
        ++spoiled_;
        parts[2][2] ^= std::byte{0x80}; // the lowest exponent bit of the first row's first value
        if (what_ == Spoil::cache_and_checksum) {
            runtime::WireHeader header;
            std::memcpy(&header, parts[0].data(), sizeof header);
            header.checksum = checksum(parts[2], checksum(parts[1]));
            std::memcpy(parts[0].data(), &header, sizeof header);
        }
    }

  private:
    Spoil what_;
    int& spoiled_;
};

support::FleetRun spoiled_run(Spoil what, int& spoiled) {
    static const support::RandomPolicy random(5, 60);
    support::RunChange change;
    change.policy = &random;
    change.wrap = [&, what](comm::Transport& inner) {
        return std::make_unique<Spoiler>(inner, what, spoiled);
    };
    return support::run_fleet(support::make_scenario(moving_run()), change);
}

TEST(Migration, one_flipped_bit_in_a_received_cache_row_changes_the_logits) {
    const support::OracleRun oracle =
        support::run_oracle(support::tiny_model_file(), "Once upon a time", kMovingTokens);
    int spoiled = 0;
    EXPECT_EQ(support::difference(spoiled_run(Spoil::nothing, spoiled), oracle), "");
    const support::FleetRun run = spoiled_run(Spoil::cache_and_checksum, spoiled);
    EXPECT_EQ(spoiled, 1);
    EXPECT_NE(support::difference(run, oracle), "");
}

TEST(Migration, a_flipped_bit_is_noticed_by_its_checksum) {
    int spoiled = 0;
    try {
        (void)spoiled_run(Spoil::cache_only, spoiled);
        FAIL() << "the damage went unnoticed";
    } catch (const EnvironmentError& error) {
        EXPECT_NE(std::string(error.what()).find("damaged on the way"), std::string::npos)
            << error.what();
    }
}

/// Returns whether this process has the file mapped or open.
bool is_held(const std::filesystem::path& path) {
    const std::string name = path.filename().string();
    std::ifstream maps("/proc/self/maps");
    std::string text{std::istreambuf_iterator<char>(maps), std::istreambuf_iterator<char>()};
    for (const auto& descriptor : std::filesystem::directory_iterator("/proc/self/fd")) {
        std::error_code closed; // the file descriptor of the folder itself
        text += std::filesystem::read_symlink(descriptor.path(), closed).string();
    }
    return text.find(name) != std::string::npos;
}

class ModelFile : public testing::TestWithParam<config::WeightsMode> {};

/// A device with a storage keeps the file open, so its path may be removed but not its bytes.
TEST_P(ModelFile, may_be_deleted_after_loading) {
    const auto copy = support::temporary_path("goes-away.gguf");
    std::filesystem::copy_file(
        support::tiny_model_file(), copy, std::filesystem::copy_options::overwrite_existing
    );
    support::FleetText text = moving_run();
    text.model = copy;
    const support::OracleRun oracle =
        support::run_oracle(support::tiny_model_file(), "Once upon a time", kMovingTokens);
    const support::RandomPolicy random(6, 60);
    support::RunChange change;
    change.policy = &random;
    int loaded = 0;
    bool still_held = true;
    change.after_load = [&] {
        std::filesystem::remove(copy);
        if (++loaded ==
            text.devices) { // the last device has loaded: the path is not needed any more
            still_held = is_held(copy);
        }
    };
    EXPECT_TRUE([&] {
        const model::GgufFile open(copy);
        return is_held(copy);
    }()) << "the check must see a file that is open";
    config::Scenario scenario = support::make_scenario(text);
    scenario.controller.weights = GetParam();
    const bool everywhere = GetParam() == config::WeightsMode::everywhere;
    for (config::DeviceConfig& device : scenario.declared.devices) {
        device.storage_bandwidth = everywhere ? device.storage_bandwidth : std::nullopt;
    }
    scenario.fleet = config::build_fleet(scenario.declared, scenario.events, scenario.seed);
    const support::FleetRun run = support::run_fleet(scenario, change);
    EXPECT_FALSE(std::filesystem::exists(copy));
    EXPECT_EQ(still_held, everywhere) << "an unlinked file stays readable as long as it is open";
    EXPECT_EQ(support::difference(run, oracle), "");
}

INSTANTIATE_TEST_SUITE_P(
    Weights, ModelFile, testing::Values(config::WeightsMode::move, config::WeightsMode::everywhere)
);

TEST(Migration, every_move_is_recorded_with_its_bytes_and_checksum) {
    int spoiled = 0;
    const support::FleetRun run = spoiled_run(Spoil::nothing, spoiled);
    std::size_t moves = 0;
    for (const trace::Interval& interval : run.trace.intervals) {
        EXPECT_EQ(interval.migrations.size(), static_cast<std::size_t>(interval.row.moves));
        for (const trace::MigrationRow& move : interval.migrations) {
            EXPECT_GT(move.bytes, 0);
            EXPECT_EQ(move.loaded_bytes, 0);
            EXPECT_NE(move.checksum, 0U);
            EXPECT_GT(move.end, move.start);
            EXPECT_LE(move.end, interval.row.t_resume);
            ++moves;
        }
    }
    EXPECT_GT(moves, 10U);
}

} // namespace
} // namespace headroom
