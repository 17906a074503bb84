// Step shares: the worked example of docs/explanation/time.md#worked-example, computed by hand, and
// sums that must be right for any fleet.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/random.hpp"
#include "runtime/offline/step_share.hpp"
#include "scheduler/timing/program.hpp"

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
    scheduler::TimelineLog log;
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
        scheduler::lower(blocks, placement, source, snapshot.size()),
        scheduler::SnapshotRates(snapshot),
        {9, 1},
        source,
        nullptr,
        &step.log
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
    const StepShare share = step_share(step.log, 2, a, step.length);
    EXPECT_EQ(share.devices[0].compute, 34'560);
    EXPECT_EQ(share.devices[0].transfer, 1'128'000 + 1'256'000);
    EXPECT_EQ(share.devices[0].wait, 1'249'216 + 1'280'576);
    EXPECT_EQ(share.devices[0].idle, 0);
    EXPECT_EQ(share.devices[1].compute, 31'360);
    EXPECT_EQ(share.devices[1].transfer, 2 * 1'256'000);
    EXPECT_EQ(share.devices[1].wait, 1'136'192);
    EXPECT_EQ(share.devices[1].idle, 1'268'800);
    ASSERT_EQ(share.critical.size(), 4U);
    EXPECT_EQ(share.critical[0].from, a);
    EXPECT_EQ(share.critical[0].to, b);
    EXPECT_EQ(share.critical[0].time, 2'512'000);
    EXPECT_EQ(share.critical[1].time, 2'384'000);
    EXPECT_TRUE(share.critical[2].computing());
    EXPECT_EQ(share.critical[2].from, b);
    EXPECT_EQ(share.critical[2].time, 31'360);
    EXPECT_EQ(share.critical[3].time, 20'992);
}

/// Returns which sum is wrong, or "".
std::string fault(const StepShare& share, Nanoseconds length) {
    for (const DeviceTime& time : share.devices) {
        const Nanoseconds sum = time.compute + time.transfer + time.wait + time.idle;
        if (sum != length || std::min({time.compute, time.transfer, time.wait, time.idle}) < 0) {
            return fmt::format("a device has {} of {} ns", sum, length);
        }
    }
    Nanoseconds sum = 0;
    for (const CriticalPart& part : share.critical) {
        sum += part.time;
    }
    return sum == length ? "" : fmt::format("the critical path has {} of {} ns", sum, length);
}

TEST(StepShare, adds_up_on_every_fleet) {
    for (std::uint64_t seed = 0; seed < 300; ++seed) {
        SCOPED_TRACE(fmt::format("seed {}", seed));
        Random random(seed);
        const std::size_t devices = 1 + random.below(5);
        const bool sliced = random.below(2) == 1;
        const scheduler::Blocks blocks(
            small_shape(3),
            sliced ? scheduler::Cut{scheduler::Granularity::sliced, 4, scheduler::Reduce::hub}
                   : scheduler::Cut{}
        );
        scheduler::Snapshot snapshot;
        for (std::size_t d = 0; d < devices; ++d) {
            scheduler::Snapshot::Device device;
            device.compute = static_cast<PerSecond>(1 + random.below(9)) * 100'000'000;
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
        scheduler::Placement placement;
        for (std::size_t i = 0; i < blocks.size(); ++i) {
            placement.emplace_back(static_cast<std::int32_t>(random.below(devices)));
        }
        const DeviceId source(static_cast<std::int32_t>(random.below(devices)));
        const Step step = walk(blocks, placement, snapshot, source);
        const StepShare share = step_share(step.log, devices, source, step.length);
        EXPECT_EQ(fault(share, step.length), "");
        EXPECT_NE(fault(share, step.length + 1), "") << "the judge notices a nanosecond";
    }
}

} // namespace
} // namespace headroom::runtime
