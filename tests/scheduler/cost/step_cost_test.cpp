// The sum of the layers of StepDelay equals the timeline, for placements of sliced and whole
// layers.
#include <algorithm>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "scheduler/cost/step_cost.hpp"
#include "scheduler/timing/timeline.hpp"
#include "tests/scheduler/instances/device_costs.hpp"
#include "tests/scheduler/instances/instances.hpp"

namespace headroom::scheduler {
namespace {

using testing::add_device_costs;
using testing::DeviceCosts;
using testing::Instance;
using testing::planted_instance;
using testing::random_placement_for;
using testing::wild_instance;
using testing::WildOptions;

/// Deliberate faults of the sums.
struct Planted {
    bool one_more = false; ///< one slice more on every device that has any
};

std::vector<std::int32_t> counts(
    const Placement& placement, BlockId first, std::int32_t units, std::size_t devices
) {
    std::vector<std::int32_t> on(devices, 0);
    for (std::int32_t unit = 0; unit < units; ++unit) {
        ++on[placement[BlockId(first.value + unit).index()].index()];
    }
    return on;
}

/// Returns D_inf as the sum of its layers and ends; kNever if any of them never ends.
Nanoseconds summed(const Problem& problem, const Placement& placement, const Planted& planted) {
    const Blocks& blocks = *problem.blocks;
    const std::size_t devices = problem.snapshot.size();
    const StepDelay step(problem);
    const bool ends = blocks.shape().has_ends;
    std::size_t activation_device =
        ends ? placement[blocks.embed().index()].index() : problem.source.index();
    Nanoseconds total = ends ? step.start(activation_device) : 0;
    for (std::int32_t l = 0; l < blocks.shape().layers; ++l) {
        const auto groups = counts(placement, blocks.group(l, 0), blocks.groups(), devices);
        std::vector<std::int32_t> slices(devices, 0);
        const std::size_t ffn = placement[blocks.activation_block(l).index()].index();
        std::size_t proj = ffn;
        if (blocks.sliced()) {
            slices = counts(placement, blocks.slice(l, 0), blocks.slices(), devices);
            for (std::int32_t& n : slices) {
                n += planted.one_more && n > 0 && n < blocks.slices() ? 1 : 0;
            }
        } else {
            proj = placement[blocks.proj(l).index()].index();
        }
        const auto layer = static_cast<std::size_t>(l);
        total += step.layer(layer, activation_device, {groups.data(), proj, ffn, slices.data()});
        activation_device = ffn;
    }
    total += step.finish(activation_device, ends ? placement[blocks.lm_head().index()].index() : 0);
    return total >= kStall ? kNever : total;
}

Nanoseconds walked(const Problem& problem, const Placement& placement) {
    return predict_inference(
        *problem.blocks, placement, problem.snapshot, problem.source, problem.horizon()
    );
}

int exchanging_layers(const Problem& problem, const Placement& placement) {
    const Blocks& blocks = *problem.blocks;
    const StepDelay step(problem);
    int layers = 0;
    for (std::int32_t l = 0; l < blocks.shape().layers; ++l) {
        const auto groups =
            counts(placement, blocks.group(l, 0), blocks.groups(), problem.snapshot.size());
        layers += step.exchanges({groups.data(), 0, 0, nullptr}) ? 1 : 0;
    }
    return layers;
}

void compare_on_wild_instances(
    const WildOptions& wildness, std::uint64_t seeds, const DeviceCosts& costs = {}
) {
    int ended = 0;
    int exchanging = 0; // layers whose devices exchange sums between the parts of groups
    for (std::uint64_t seed = 0; seed < seeds; ++seed) {
        Instance instance = wild_instance(wildness, seed);
        add_device_costs(instance.problem, costs, seed);
        for (std::uint64_t k = 0; k < 3; ++k) {
            const Placement placement = random_placement_for(instance, 3 * seed + k);
            const Nanoseconds expected = walked(instance.problem, placement);
            ASSERT_EQ(summed(instance.problem, placement, {}), expected) << "seed " << seed;
            ended += expected == kNever ? 0 : 1;
            exchanging += exchanging_layers(instance.problem, placement);
        }
    }
    EXPECT_GT(exchanging, static_cast<int>(seeds) / 4) << "else no exchange was compared";
    EXPECT_GT(ended, static_cast<int>(seeds) / 4) << "else nothing was compared";
}

TEST(StepDelay, of_sliced_layers_adds_up_to_the_timeline_to_the_nanosecond) {
    compare_on_wild_instances({.sliced = true}, 400);
}

TEST(StepDelay, of_sliced_layers_adds_up_with_egress_and_ingress_caps) {
    compare_on_wild_instances({.caps = true, .sliced = true}, 600);
}

TEST(StepDelay, of_sliced_layers_adds_up_when_rates_are_zero) {
    compare_on_wild_instances({.stalls = true, .sliced = true}, 200);
    compare_on_wild_instances({.caps = true, .stalls = true, .sliced = true}, 200);
}

TEST(StepDelay, of_whole_blocks_adds_up_to_the_timeline) {
    compare_on_wild_instances({.caps = true}, 200);
}

TEST(StepDelay, adds_up_with_rates_per_weight_type_overheads_and_media) {
    for (std::uint64_t number = 1; number < 16; ++number) {
        const DeviceCosts costs = DeviceCosts::choice(number);
        for (const bool sliced : {false, true}) {
            compare_on_wild_instances({.sliced = sliced}, 60, costs);
            compare_on_wild_instances({.caps = true, .sliced = sliced}, 60, costs);
        }
    }
    compare_on_wild_instances(
        {.caps = true, .stalls = true, .sliced = true}, 60, DeviceCosts::all()
    );
}

/// Returns how long one block takes for a batch of turns of one token, by the rates themselves.
Nanoseconds batch_time(const Problem& problem, BlockId b, std::size_t d, std::int64_t batch) {
    Nanoseconds time = 0;
    for (const BlockPart part : problem.blocks->parts_of(b)) {
        OperationCost cost;
        for (std::int64_t i = 0; i < batch; ++i) {
            cost.add(*problem.blocks, b, problem.horizon() - 1, 1, part);
        }
        time += SnapshotRates(problem.snapshot).operation(DeviceId(d), 0, cost);
    }
    return time;
}

TEST(StepDelay, computes_a_batch_by_the_rates_for_many_tokens) {
    int faster = 0;
    for (std::uint64_t seed = 0; seed < 60; ++seed) {
        Instance instance = wild_instance({.sliced = seed % 2 == 1}, seed);
        const Problem& problem = instance.problem;
        add_device_costs(instance.problem, DeviceCosts::all(), seed);
        const Blocks& blocks = *instance.blocks;
        const auto batch = static_cast<std::int64_t>(2 + seed % 5);
        const StepDelay step(problem, batch, problem.horizon());
        for (std::size_t d = 0; d < problem.snapshot.size(); ++d) {
            const BlockId group = blocks.group(0, 0);
            const BlockId ffn = blocks.sliced() ? blocks.slice(0, 0) : blocks.ffn(0);
            const Nanoseconds overhead = problem.snapshot.devices[d].operation_overhead;
            ASSERT_EQ(step.group_time(0, d), batch_time(problem, group, d, batch)) << seed;
            ASSERT_EQ(
                step.ffn_time(0, d),
                batch_time(problem, ffn, d, batch) + (blocks.sliced() ? 0 : overhead)
            ) << seed;
            faster += step.group_time(0, d) < batch * batch_time(problem, group, d, 1) ? 1 : 0;
        }
    }
    EXPECT_GT(faster, 30) << "else no batch reads weights once or uses the rate for prefill";
}

TEST(StepDelay, by_the_published_formula_knows_none_of_the_new_costs) {
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
        Instance instance = planted_instance(testing::random_cell(seed), seed, CostProfile::paper);
        const Nanoseconds before = summed(instance.problem, instance.planted, {});
        DeviceCosts costs = DeviceCosts::all();
        add_device_costs(instance.problem, costs, seed);
        EXPECT_EQ(summed(instance.problem, instance.planted, {}), before) << "seed " << seed;
    }
}

TEST(StepDelay, adds_up_on_the_sliced_instances_of_the_definition) {
    for (std::uint64_t seed = 0; seed < 60; ++seed) {
        testing::InstanceShape cell = testing::random_cell(seed);
        cell.granularity = Granularity::sliced;
        const Instance instance = planted_instance(cell, seed);
        ASSERT_EQ(
            summed(instance.problem, instance.planted, {}),
            walked(instance.problem, instance.planted)
        ) << "seed "
          << seed;
    }
}

TEST(StepDelay, twin_the_comparison_sees_one_slice_more) {
    int seen = 0;
    for (std::uint64_t seed = 0; seed < 100; ++seed) {
        Instance instance = wild_instance({.sliced = true}, seed);
        add_device_costs(instance.problem, DeviceCosts::choice(seed % 16), seed);
        const Placement placement = random_placement_for(instance, seed);
        seen += summed(instance.problem, placement, {.one_more = true}) ==
                        walked(instance.problem, placement)
                    ? 0
                    : 1;
    }
    EXPECT_GT(seen, 40) << "all but those where the slice changes no maximum";
}

} // namespace
} // namespace headroom::scheduler
