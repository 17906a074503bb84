// The generator of docs/explanation/instances.md. A seed must always give the same problem, because
// results before and after a change could not be compared otherwise.
#include <algorithm>
#include <cstdint>
#include <set>
#include <tuple>
#include <vector>

#include <gtest/gtest.h>

#include "base/check.hpp"
#include "scheduler/core/paper_costs.hpp"
#include "scheduler/core/validate.hpp"
#include "tests/scheduler/instances/instances.hpp"

namespace headroom::scheduler {
namespace {

using testing::cell_at;
using testing::Instance;
using testing::InstanceShape;
using testing::planted_instance;
using testing::random_cell;
using testing::wild_instance;

/// Returns the FNV-1a hash of all drawn numbers.
class Digest {
  public:
    void add(std::int64_t value) {
        for (int k = 0; k < 8; ++k) {
            hash_ ^= static_cast<std::uint64_t>(value) >> (8 * k) & 0xFFU;
            hash_ *= 1099511628211ULL;
        }
    }
    [[nodiscard]] std::uint64_t value() const { return hash_; }

  private:
    std::uint64_t hash_ = 1469598103934665603ULL;
};

/// Returns the hash of the numbers that both granularities share.
std::uint64_t fleet_digest(const Instance& instance) {
    Digest digest;
    digest.add(instance.problem.context);
    digest.add(instance.problem.interval);
    digest.add(instance.problem.previous.has_value() ? 1 : 0);
    for (const Snapshot::Device& device : instance.problem.snapshot.devices) {
        digest.add(device.compute);
        digest.add(device.memory_bandwidth);
        digest.add(device.egress);
        digest.add(device.ingress);
    }
    for (const Snapshot::Link& link : instance.problem.snapshot.links) {
        digest.add(link.bandwidth);
        digest.add(link.latency);
    }
    return digest.value();
}

std::uint64_t digest(const Instance& instance) {
    Digest digest;
    digest.add(instance.problem.context);
    digest.add(instance.problem.interval);
    for (const Snapshot::Device& device : instance.problem.snapshot.devices) {
        digest.add(device.compute);
        digest.add(device.memory);
    }
    for (const Snapshot::Link& link : instance.problem.snapshot.links) {
        digest.add(link.bandwidth);
        digest.add(link.latency);
    }
    for (const DeviceId d : instance.planted) {
        digest.add(d.value);
    }
    for (const DeviceId d : instance.problem.previous.value_or(Placement())) {
        digest.add(d.value);
    }
    return digest.value();
}

TEST(PlantedInstance, is_the_same_for_ever) {
    EXPECT_EQ(digest(planted_instance(random_cell(1), 1)), 12046908060202787854ULL);
    EXPECT_EQ(digest(planted_instance(random_cell(2), 2)), 9814835878868676847ULL);
    EXPECT_EQ(digest(planted_instance(random_cell(3), 3)), 3612513958478591141ULL);
    // Twin: another seed is another instance.
    EXPECT_NE(digest(planted_instance(random_cell(1), 4)), 12046908060202787854ULL);
}

TEST(PlantedInstance, of_profile_paper_has_the_same_fleet_and_its_own_budgets) {
    for (std::uint64_t seed = 0; seed < 200; ++seed) {
        const InstanceShape cell = random_cell(seed);
        const Instance physical = planted_instance(cell, seed);
        const Instance paper = planted_instance(cell, seed, CostProfile::paper);
        const Problem& problem = paper.problem;
        ASSERT_EQ(paper.planted, physical.planted);
        ASSERT_EQ(problem.context, physical.problem.context);
        ASSERT_EQ(problem.interval, physical.problem.interval);
        ASSERT_EQ(problem.previous.has_value(), physical.problem.previous.has_value());
        ASSERT_EQ(problem.prompt, 16);
        ASSERT_EQ(problem.buffers, 0);
        const PaperLength length{16, problem.context + problem.interval - 16};
        std::vector<Bytes> held(problem.snapshot.size(), 0);
        Bytes need = 0;
        double slowest = 0.0;
        for (std::int32_t l = 0; l < cell.layers; ++l) {
            std::vector<Flops> flops(problem.snapshot.size(), 0);
            for (std::int32_t g = 0; g < cell.heads + 2; ++g) {
                const BlockId b(paper.blocks->group(l, 0).value + g);
                const std::size_t d = paper.planted[b.index()].index();
                held[d] += paper_memory(*paper.blocks, b, length);
                need += paper_memory(*paper.blocks, b, length);
                flops[d] += paper_compute(*paper.blocks, b, length);
            }
            for (std::size_t d = 0; d < flops.size(); ++d) {
                ASSERT_EQ(
                    problem.snapshot.devices[d].compute,
                    physical.problem.snapshot.devices[d].compute
                );
                const auto rate = static_cast<double>(problem.snapshot.devices[d].compute);
                slowest = std::max(slowest, static_cast<double>(flops[d]) / rate);
            }
        }
        EXPECT_DOUBLE_EQ(problem.t_budget_s, std::max(1.0, 1.2 * slowest));
        for (std::size_t d = 0; d < held.size(); ++d) {
            const double least = static_cast<double>(need) / (4.0 * cell.devices);
            EXPECT_EQ(
                problem.snapshot.devices[d].memory,
                static_cast<Bytes>(
                    cell.memory_factor * std::max(static_cast<double>(held[d]), least)
                )
            );
        }
        EXPECT_TRUE(validate(problem, paper.planted).ok()) << "seed " << seed;
        if (problem.previous) {
            EXPECT_TRUE(validate(problem, *problem.previous).ok()) << "seed " << seed;
        }
    }
}

InstanceShape sliced_cell(std::uint64_t seed) {
    InstanceShape cell = random_cell(seed);
    cell.granularity = Granularity::sliced;
    return cell;
}

TEST(PlantedInstance, sliced_is_the_same_for_ever) {
    EXPECT_EQ(digest(planted_instance(sliced_cell(1), 1)), 9455830541695543694ULL);
    EXPECT_EQ(digest(planted_instance(sliced_cell(2), 2)), 10791912598888214532ULL);
}

TEST(PlantedInstance, sliced_has_the_fleet_of_granularity_paper_and_memory_of_its_own) {
    for (std::uint64_t seed = 0; seed < 200; ++seed) {
        const InstanceShape cell = sliced_cell(seed);
        const Instance sliced = planted_instance(cell, seed);
        const Instance paper = planted_instance(random_cell(seed), seed);
        const Problem& problem = sliced.problem;
        const Blocks& blocks = *sliced.blocks;
        ASSERT_EQ(fleet_digest(sliced), fleet_digest(paper));
        ASSERT_EQ(problem.buffers, 0);
        ASSERT_EQ(blocks.slices(), 8);
        // D 64·heads, F 4·D: a group has 4·64·D numbers and its cache, a slice 3·D·F/8.
        const std::int64_t width = std::int64_t{64} * cell.heads;
        const std::int64_t pages = (problem.context + problem.interval + 15) / 16;
        const Bytes group = 4 * (4 * 64 * width) + 2 * 16 * pages * 64 * 4;
        const Bytes slice = 4 * (3 * width * (4 * width / 8));
        std::vector<Bytes> held(problem.snapshot.size(), 0);
        for (std::int32_t l = 0; l < cell.layers; ++l) {
            for (std::int32_t g = 0; g < cell.heads; ++g) {
                const DeviceId d = sliced.planted[blocks.group(l, g).index()];
                ASSERT_EQ(d, paper.planted[paper.blocks->group(l, g).index()]);
                held[d.index()] += group;
            }
            for (std::int32_t s = 0; s < 8; ++s) {
                held[sliced.planted[blocks.slice(l, s).index()].index()] += slice;
            }
            const DeviceId proj = paper.planted[paper.blocks->proj(l).index()];
            ASSERT_EQ(sliced.planted[blocks.hub(l).index()], proj);
        }
        const Bytes need = cell.layers * (cell.heads * group + 8 * slice);
        for (std::size_t d = 0; d < held.size(); ++d) {
            const Snapshot::Device& device = problem.snapshot.devices[d];
            const double least = static_cast<double>(need) / (4.0 * cell.devices);
            EXPECT_EQ(
                device.memory,
                static_cast<Bytes>(
                    cell.memory_factor * std::max(static_cast<double>(held[d]), least)
                )
            );
        }
        EXPECT_TRUE(validate(problem, sliced.planted).ok()) << "seed " << seed;
        if (problem.previous) {
            EXPECT_TRUE(validate(problem, *problem.previous).ok()) << "seed " << seed;
        }
    }
}

TEST(PlantedInstance, sliced_has_no_costs_of_the_paper) {
    EXPECT_THROW((void)planted_instance(sliced_cell(0), 0, CostProfile::paper), Bug);
}

TEST(WildInstance, sliced_has_the_same_models_and_fleets_and_odd_cuts) {
    std::set<std::int32_t> slices;
    for (std::uint64_t seed = 0; seed < 200; ++seed) {
        const Instance whole = wild_instance({.caps = true}, seed);
        const Instance sliced = wild_instance({.caps = true, .sliced = true}, seed);
        ASSERT_EQ(sliced.blocks->shape(), whole.blocks->shape());
        ASSERT_EQ(fleet_digest(sliced), fleet_digest(whole));
        EXPECT_TRUE(validate(sliced.problem, sliced.planted).ok()) << "seed " << seed;
        EXPECT_TRUE(sliced.blocks->sliced());
        slices.insert(sliced.blocks->slices());
    }
    for (const std::int32_t count : {1, 3, 5, 7, 12}) {
        EXPECT_TRUE(slices.contains(count)) << count;
    }
}

TEST(Cells, list_all_of_the_definition_in_order) {
    std::set<std::tuple<std::int32_t, std::int32_t, std::int32_t, double>> cells;
    for (std::uint64_t i = 0; i < 81; ++i) {
        const InstanceShape cell = cell_at(i);
        cells.insert({cell.devices, cell.layers, cell.heads, cell.memory_factor});
    }
    EXPECT_EQ(cells.size(), 81U);
    EXPECT_EQ(cell_at(0).heads, cell_at(81).heads);
}

} // namespace
} // namespace headroom::scheduler
