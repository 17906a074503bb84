// Paging reads the bytes held beyond the budget from storage, and does not change them.
#include <fstream>

#include <gtest/gtest.h>

#include "base/error.hpp"
#include "model/decoder/weights.hpp"
#include "model/gguf/gguf.hpp"
#include "runtime/memory/paging.hpp"
#include "support/fleet_run.hpp"
#include "support/tiny_model.hpp"
#include "trace/analysis/summary.hpp"

namespace headroom {
namespace {

std::filesystem::path model_path(const char* name) {
    const auto path = support::temporary_path(name);
    support::write_tiny_model(path, support::tiny_shape());
    return path;
}

/// One device that holds all blocks.
class OneDevice : public testing::Test {
  protected:
    OneDevice() {
        memory.load(file, placement);
        memory.install(placement);
        memory.open_storage(file);
    }

    void page(Bytes bytes) { pager.read(memory, bytes, "pi"); }
    std::span<std::byte> first_piece(BlockId b) { return memory.block(b).piece(0); }
    Bytes weights() {
        Bytes sum = 0;
        for (std::size_t i = 0; i < blocks.size(); ++i) {
            sum += memory.block(BlockId(i)).bytes();
        }
        return sum;
    }

    std::filesystem::path path = model_path("paging.gguf");
    model::GgufFile file{path};
    model::Hyperparameters hyperparameters = model::read_hyperparameters(file);
    scheduler::Blocks blocks{hyperparameters};
    runtime::DeviceMemory memory{hyperparameters, blocks, DeviceId(0), {}};
    scheduler::Placement placement = scheduler::Placement(blocks.size(), DeviceId(0));
    runtime::Pager pager;
};

TEST_F(OneDevice, restores_exactly_the_bytes_that_it_reads) {
    const std::span<std::byte> embed = first_piece(blocks.embed());
    const std::byte before = embed[100];
    embed[100] ^= std::byte{0xFF};
    const Bytes held = memory.budget().held();
    memory.budget().reset_peak();
    page(100);
    EXPECT_NE(embed[100], before) << "bytes 0 … 99 were read";
    page(1);
    EXPECT_EQ(embed[100], before) << "the next one goes on where the last one ended";
    EXPECT_EQ(memory.budget().held(), held);
    EXPECT_EQ(memory.budget().peak(), held) << "paging needs no memory";
}

TEST_F(OneDevice, reads_all_weights_in_turn_and_begins_again) {
    std::vector<std::byte> before;
    for (std::size_t i = 0; i < blocks.size(); ++i) {
        std::byte& spoiled = first_piece(BlockId(i)).back();
        before.push_back(spoiled);
        spoiled ^= std::byte{1};
    }
    const Bytes all = weights();
    page(all);
    for (std::size_t i = 0; i < blocks.size(); ++i) {
        EXPECT_EQ(first_piece(BlockId(i)).back(), before[i]) << "block " << i;
    }
    std::byte& first = first_piece(blocks.embed()).front();
    const std::byte healed = first;
    first ^= std::byte{1};
    page(2 * all + 1); // more than there is: round and round
    EXPECT_EQ(first, healed);
}

TEST_F(OneDevice, continues_with_the_next_block_after_one_has_left) {
    page(10); // within embed
    memory.remove(blocks.embed());
    const BlockId next(1);
    std::byte& spoiled = first_piece(next).front();
    const std::byte before = spoiled;
    spoiled ^= std::byte{1};
    page(1);
    EXPECT_EQ(spoiled, before);
}

TEST_F(OneDevice, names_the_device_and_the_changed_file) {
    std::ofstream(path, std::ios::app) << "x";
    try {
        page(1);
        FAIL() << "the change went unnoticed";
    } catch (const EnvironmentError& error) {
        const std::string text = error.what();
        EXPECT_NE(text.find("device 0 (pi) cannot page: " + path.string()), std::string::npos)
            << text;
    }
}

/// Runs a scenario in which memory shrinks below what the devices hold.
config::Scenario shrinking() {
    support::FleetText text;
    text.model = model_path("paged-run.gguf");
    text.tokens = 16;
    text.interval = 4;
    text.policy = "static";
    text.memory = "2 MiB";
    config::Scenario scenario = support::make_scenario(text);
    for (scheduler::DeviceSpec& device : scenario.fleet.devices) {
        device.memory.changes.push_back({-1, 6, 50'000'000}
        ); // from token 6 on a twentieth of it is left
    }
    return scenario;
}

struct Paged {
    Bytes over = 0;
    Bytes read = 0;
};

Paged paged_in(const support::FleetRun& run) {
    Paged sum;
    for (const trace::Interval& interval : run.trace.intervals) {
        for (const trace::EventRow& event : interval.events) {
            sum.over += event.value;
        }
        for (const trace::ResourceRow& row : interval.resources) {
            sum.read += row.paged_bytes;
        }
    }
    return sum;
}

TEST(Paging, reads_the_excess_at_every_turn_and_changes_no_bit) {
    const config::Scenario scenario = shrinking();
    const support::FleetRun run = support::run_fleet(scenario);
    EXPECT_EQ(
        support::difference(run, support::run_oracle(scenario.model_file, "Once upon a time", 16)),
        ""
    );
    EXPECT_EQ(support::timeline_difference(scenario, run.trace), "");
    const Paged paged = paged_in(run);
    EXPECT_GT(paged.read, 0);
    EXPECT_EQ(paged.read, paged.over);
    trace::Summarizer summarizer;
    summarizer.begin(run.trace.header);
    for (const trace::Interval& interval : run.trace.intervals) {
        summarizer.commit(interval);
    }
    EXPECT_EQ(summarizer.summary().bytes_paged, paged.read);
    for (const trace::ResourceRow& row : run.trace.intervals.front().resources) {
        EXPECT_EQ(row.paged_bytes, 0) << "before memory shrinks";
    }
}

TEST(Paging, in_a_paced_run_takes_at_least_its_virtual_time) {
    config::Scenario scenario = shrinking();
    config::Scenario roomy = scenario;
    for (scheduler::DeviceSpec& device : roomy.fleet.devices) {
        device.memory.changes.clear();
    }
    const Nanoseconds without = support::run_fleet(roomy).trace.intervals.back().row.t_end;
    scenario.clock.mode = config::ClockMode::paced;
    scenario.clock.scale = 2;
    const support::FleetRun run = support::run_fleet(scenario);
    const Nanoseconds end = run.trace.intervals.back().row.t_end;
    EXPECT_GT(end, without) << "paging costs virtual time";
    EXPECT_GE(run.outcome.elapsed_wall, 2 * end);
    EXPECT_EQ(paged_in(run).read, paged_in(run).over);
    EXPECT_GT(paged_in(run).read, 0);
}

} // namespace
} // namespace headroom
