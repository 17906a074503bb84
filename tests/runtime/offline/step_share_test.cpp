// Step shares: the worked example of docs/explanation/time.md#worked-example, computed by hand, and
// sums that must be right for any fleet.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/random.hpp"
#include "runtime/offline/step_share.hpp"
#include "scheduler/core/problem.hpp"
#include "scheduler/timing/program.hpp"
#include "scheduler/timing/timeline.hpp"
#include "tests/scheduler/instances/device_costs.hpp"

namespace headroom::runtime {
namespace {

ModelShape small_shape(std::int32_t layers) {
    ModelShape shape;
    shape.layers = layers;
    shape.heads = shape.kv_heads = 2;
    shape.width = 64;
    shape.ffn_width = 128;
    shape.vocabulary = 100;
    shape.context = 64;
    shape.layer_types.assign(static_cast<std::size_t>(layers), LayerTypes::all(WeightType::f32));
    return shape;
}

struct Step {
    std::vector<scheduler::ClockLog> clocks;
    Nanoseconds length = 0;
};

Step walk(
    const scheduler::Blocks& blocks,
    const scheduler::Placement& placement,
    const scheduler::Snapshot& snapshot,
    DeviceId source
) {
    Step step;
    scheduler::Timeline timeline(blocks, snapshot.size());
    step.length = timeline.turn(
        scheduler::lower(
            blocks, placement, source, snapshot.size(), scheduler::medium_of(snapshot)
        ),
        scheduler::SnapshotRates(snapshot),
        {9, 1},
        source,
        nullptr,
        nullptr,
        &step.clocks
    );
    return step;
}

scheduler::Snapshot two_devices() {
    scheduler::Snapshot snapshot;
    snapshot.devices.resize(2);
    snapshot.devices[0].compute = 1'000'000'000;
    snapshot.devices[1].compute = 2'000'000'000;
    snapshot.links.assign(4, {1'000'000, 1'000'000});
    return snapshot;
}

TEST(StepShare, of_the_worked_example) {
    const scheduler::Blocks blocks(small_shape(1));
    const DeviceId a(0);
    const DeviceId b(1);
    const Step step = walk(blocks, {a, a, b, a, b, a}, two_devices(), a);
    ASSERT_EQ(step.length, 4'948'352);
    const StepShare share = step_share(step.clocks, a, step.length);
    EXPECT_EQ(share.devices[0].compute, 34'560);
    EXPECT_EQ(share.devices[0].memory, 0);
    EXPECT_EQ(share.devices[0].overhead, 0);
    EXPECT_EQ(share.devices[0].transfer, 128'000 + 256'000);
    EXPECT_EQ(share.devices[0].latency, 2'000'000);
    EXPECT_EQ(share.devices[0].wait, 1'249'216 + 1'280'576);
    EXPECT_EQ(share.devices[0].idle, 0);
    EXPECT_EQ(share.devices[1].compute, 31'360);
    EXPECT_EQ(share.devices[1].transfer, 2 * 256'000);
    EXPECT_EQ(share.devices[1].latency, 2'000'000);
    EXPECT_EQ(share.devices[1].wait, 1'136'192);
    EXPECT_EQ(share.devices[1].idle, 1'268'800);
    ASSERT_EQ(share.critical.size(), 4U);
    EXPECT_EQ(share.critical[0].from, a);
    EXPECT_EQ(share.critical[0].to, b);
    EXPECT_EQ(share.critical[0].time(), 2'512'000);
    EXPECT_EQ(share.critical[0].parts.latency, 2'000'000);
    EXPECT_EQ(share.critical[1].time(), 2'384'000);
    EXPECT_TRUE(share.critical[2].on_device());
    EXPECT_EQ(share.critical[2].from, b);
    EXPECT_EQ(share.critical[2].time(), 31'360);
    EXPECT_EQ(share.critical[3].time(), 20'992);
}

/// The worked example with costs of real devices. F32 weights have rates of their own on B, and it
/// reads them at 1 GB/s, slower than it multiplies. Both blocks of B are two pieces: attention at
/// the device's rates, then the weights.
TEST(StepShare, names_overheads_and_memory) {
    const scheduler::Blocks blocks(small_shape(1));
    const DeviceId a(0);
    const DeviceId b(1);
    scheduler::Snapshot snapshot = two_devices();
    snapshot.devices[0].operation_overhead = 1'000;
    snapshot.devices[1].operation_overhead = 2'000;
    snapshot.devices[0].message_overhead = 10'000;
    snapshot.devices[1].message_overhead = 20'000;
    snapshot.devices[1].rates.push_back(
        {WeightType::f32, 2'000'000'000, 1'000'000'000, 2'000'000'000}
    );
    const Step step = walk(blocks, {a, a, b, a, b, a}, snapshot, a);
    const StepShare share = step_share(step.clocks, a, step.length);
    // A: embed, head 0, proj and lm_head begin a stage each. It sends normed x and the residual,
    // and receives head outputs and x.
    EXPECT_EQ(share.devices[0].overhead, 4 * 1'000 + 4 * 10'000);
    // B: its group and its ffn; receives two messages and sends two.
    EXPECT_EQ(share.devices[1].overhead, 2 * 2'000 + 4 * 20'000);
    const Bytes weights =
        blocks.weights(BlockId(2))[0].touched + blocks.weights(BlockId(4))[0].touched;
    EXPECT_EQ(share.devices[1].memory, weights) << "a byte per nanosecond";
    // Attention over 10 tokens: 4·10·32 FLOP at 2 GFLOP/s; no other work belongs to the device's
    // own rates.
    EXPECT_EQ(share.devices[1].compute, 640);
    // The whole path, from one device to the other and back, twice: everything but head 0.
    const Nanoseconds network = 2'512'000 + 2'384'000;
    const Nanoseconds overheads = 3 * 1'000 + 4 * 10'000 + 2 * 2'000 + 4 * 20'000;
    EXPECT_EQ(step.length, network + overheads + 20'992 + weights + 640);
    Nanoseconds on_path = 0;
    for (const CriticalPart& part : share.critical) {
        on_path += part.parts.overhead;
    }
    EXPECT_EQ(on_path, overheads);
}

/// A sends to B, to C and to B again. B waits for both of its messages and computes for 5 ns.
std::vector<scheduler::ClockLog> three_messages(
    Nanoseconds second_begin, Nanoseconds second_end, Nanoseconds third_begin
) {
    using scheduler::Activity;
    const DeviceId a(0);
    const DeviceId b(1);
    const Nanoseconds arrival = third_begin + 45; // with the latency of 5
    std::vector<scheduler::ClockLog> clocks(3);
    for (const Nanoseconds begin : {0, 10, 20}) {
        clocks[0].spans.push_back({Activity::overhead, begin, begin + 10});
    }
    clocks[0].sends = {
        {b, 10, 10, 60, 5},
        {DeviceId(2), 20, second_begin, second_end, 5},
        {b, 30, third_begin, arrival - 5, 5}};
    clocks[1].spans = {
        {Activity::wait, 0, 65, a, 0},
        {Activity::wait, 65, arrival, a, 2},
        {Activity::compute, arrival, arrival + 5}};
    return clocks;
}

TEST(StepShare, a_message_that_waits_for_its_link_is_held_up_by_the_one_before_on_it) {
    const StepShare share = step_share(three_messages(20, 900, 60), DeviceId(1), 110);
    ASSERT_EQ(share.critical.size(), 3U);
    EXPECT_EQ(share.critical[0].to, DeviceId(1));
    EXPECT_EQ(share.critical[0].parts.transfer, 40 + 50);
    EXPECT_EQ(share.critical[0].parts.latency, 5);
    EXPECT_EQ(share.critical[1].parts.overhead, 10);
    EXPECT_EQ(share.critical[2].parts.compute, 5);
    EXPECT_EQ(share.devices[1].wait, 10) << "until the first message begins";
    EXPECT_EQ(share.devices[1].latency, 5)
        << "of the first message; that of the second has passed before";
    EXPECT_EQ(share.devices[1].transfer, 90);
}

TEST(StepShare, a_message_that_waits_for_the_egress_is_held_up_by_the_last_one) {
    const StepShare share = step_share(three_messages(60, 160, 160), DeviceId(1), 210);
    ASSERT_EQ(share.critical.size(), 4U);
    EXPECT_EQ(share.critical[0].to, DeviceId(2));
    EXPECT_EQ(share.critical[0].parts.transfer, 100);
    EXPECT_EQ(share.critical[1].to, DeviceId(1));
    EXPECT_EQ(share.critical[1].parts.transfer, 40 + 50);
    EXPECT_EQ(share.critical[2].parts.overhead, 10);
    EXPECT_EQ(share.devices[2].idle, 210);
}

/// Returns the first device or part of the path with a negative time or a wrong sum, or "".
std::string fault(const StepShare& share, Nanoseconds length) {
    const auto least = [](const TimeParts& p) {
        return std::min({p.compute, p.memory, p.overhead, p.transfer, p.latency, p.wait, p.idle});
    };
    for (const TimeParts& parts : share.devices) {
        if (parts.total() != length || least(parts) < 0) {
            return fmt::format("a device has {} of {} ns", parts.total(), length);
        }
    }
    Nanoseconds sum = 0;
    for (const CriticalPart& part : share.critical) {
        const TimeParts& p = part.parts;
        const Nanoseconds strange =
            part.on_device() ? p.transfer + p.latency : p.compute + p.memory + p.overhead;
        if (least(p) < 0 || strange + p.wait + p.idle != 0 || part.time() == 0) {
            return fmt::format("from {} to {}: {} ns", part.from.value, part.to.value, part.time());
        }
        sum += part.time();
    }
    return sum == length ? "" : fmt::format("the critical path has {} of {} ns", sum, length);
}

scheduler::Cut cut_of(std::uint64_t number) {
    return number == 0 ? scheduler::Cut{}
                       : scheduler::Cut{
                             scheduler::Granularity::sliced,
                             4,
                             number == 1 ? scheduler::Reduce::hub : scheduler::Reduce::ring};
}

scheduler::Snapshot random_snapshot(Random& random) {
    const std::size_t devices = 1 + random.below(5);
    scheduler::Snapshot snapshot;
    for (std::size_t d = 0; d < devices; ++d) {
        scheduler::Snapshot::Device device;
        device.compute = static_cast<PerSecond>(1 + random.below(9)) * 100'000'000;
        device.memory_bandwidth = random.below(3) == 0
                                      ? kUnlimited
                                      : static_cast<PerSecond>(1 + random.below(9)) * 100'000'000;
        device.egress = random.below(3) == 0 ? 3'000'000 : kUnlimited;
        device.ingress = random.below(3) == 0 ? 2'000'000 : kUnlimited;
        snapshot.devices.push_back(device);
    }
    for (std::size_t i = 0; i < devices * devices; ++i) {
        const bool instant = random.below(5) == 0;
        snapshot.links.push_back(
            {instant ? kUnlimited : static_cast<PerSecond>(1 + random.below(9)) * 1'000'000,
             instant ? 0 : static_cast<Nanoseconds>(random.below(2)) * 300'000}
        );
    }
    return snapshot;
}

TEST(StepShare, adds_up_on_every_fleet) {
    TimeParts all;
    for (std::uint64_t seed = 0; seed < 960; ++seed) {
        SCOPED_TRACE(fmt::format("seed {}", seed));
        Random random(seed);
        const scheduler::Blocks blocks(small_shape(3), cut_of(random.below(3)));
        scheduler::Problem problem;
        problem.snapshot = random_snapshot(random);
        const std::size_t devices = problem.snapshot.size();
        if (devices > 1) {
            const auto costs = scheduler::testing::DeviceCosts::choice(seed % 16);
            scheduler::testing::add_device_costs(problem, costs, seed);
        }
        scheduler::Placement placement;
        for (std::size_t i = 0; i < blocks.size(); ++i) {
            placement.emplace_back(static_cast<std::int32_t>(random.below(devices)));
        }
        const DeviceId source(static_cast<std::int32_t>(random.below(devices)));
        const Step step = walk(blocks, placement, problem.snapshot, source);
        ASSERT_EQ(
            step.length,
            scheduler::predict_inference(blocks, placement, problem.snapshot, source, 10)
        );
        const StepShare share = step_share(step.clocks, source, step.length);
        EXPECT_EQ(fault(share, step.length), "");
        StepShare spoilt = share;
        ++spoilt.devices.back().latency;
        EXPECT_NE(fault(spoilt, step.length), "") << "the judge notices a nanosecond";
        spoilt = share;
        ++spoilt.critical.back().parts.transfer;
        EXPECT_NE(fault(spoilt, step.length), "") << "on the path, too";
        for (const TimeParts& p : share.devices) {
            all.compute += p.compute;
            all.memory += p.memory;
            all.overhead += p.overhead;
            all.transfer += p.transfer;
            all.latency += p.latency;
            all.wait += p.wait;
            all.idle += p.idle;
        }
    }
    const Nanoseconds least = std::min(
        {all.compute, all.memory, all.overhead, all.transfer, all.latency, all.wait, all.idle}
    );
    EXPECT_GT(least, 0) << "the fleets have times of every kind";
}

} // namespace
} // namespace headroom::runtime
