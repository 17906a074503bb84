// One device's side of the worked example of docs/explanation/time.md#worked-example, and the rules
// about links and paging.
#include <gtest/gtest.h>

#include "device/device_clock.hpp"

namespace headroom::device {
namespace {

scheduler::Fleet two_devices() {
    scheduler::Fleet fleet;
    for (const std::int64_t rate : {1'000'000'000, 2'000'000'000}) {
        scheduler::DeviceSpec device;
        device.compute.base = rate;
        device.memory.base = 1000;
        fleet.devices.push_back(device);
    }
    scheduler::LinkSpec link;
    link.bandwidth.base = 1'000'000; // 8 Mbit/s
    link.latency.base = 1'000'000;   // 1 ms
    fleet.network = scheduler::Network(link);
    return fleet;
}

TEST(DeviceClock, follows_the_worked_example) {
    const scheduler::Fleet fleet = two_devices();
    DeviceClock a(fleet, DeviceId(0));
    DeviceClock b(fleet, DeviceId(1));
    const MessageTiming normed = a.send(DeviceId(1), 256);
    EXPECT_EQ(normed.begin, 0);
    EXPECT_EQ(normed.arrival, 1'256'000);
    EXPECT_EQ(a.run_operation(13'568, 0, 0).end, 13'568);
    b.advance_to(b.receive(normed, 256));
    EXPECT_EQ(b.run_operation(13'568, 0, 0).end, 1'262'784);
    EXPECT_EQ(b.send(DeviceId(0), 128).arrival, 2'390'784);
}

TEST(DeviceClock, queues_messages_on_a_busy_link) {
    const scheduler::Fleet fleet = two_devices();
    DeviceClock a(fleet, DeviceId(0));
    EXPECT_EQ(a.send(DeviceId(1), 1000).arrival, 2'000'000);
    const MessageTiming second = a.send(DeviceId(1), 1000);
    EXPECT_EQ(second.begin, 1'000'000);
    EXPECT_EQ(second.arrival, 3'000'000);
    EXPECT_EQ(a.now(), 0) << "sending costs the device no time";
}

TEST(DeviceClock, capped_egress_delays_sends_to_others) {
    scheduler::Fleet fleet = two_devices();
    fleet.devices.push_back(fleet.devices[1]);
    fleet.devices[0].egress.base = 500'000;
    DeviceClock a(fleet, DeviceId(0));
    EXPECT_EQ(a.send(DeviceId(1), 1000).arrival, 3'000'000); // 2 ms through the egress + 1 ms
    EXPECT_EQ(a.send(DeviceId(2), 1000).begin, 2'000'000);
}

TEST(DeviceClock, without_a_cap_a_queue_on_one_link_does_not_delay_another) {
    scheduler::Fleet fleet = two_devices();
    fleet.devices.push_back(fleet.devices[1]);
    DeviceClock a(fleet, DeviceId(0));
    (void)a.send(DeviceId(1), 1000);
    EXPECT_EQ(a.send(DeviceId(1), 1000).begin, 1'000'000) << "queued";
    EXPECT_EQ(a.send(DeviceId(2), 1000).begin, 0) << "distinct links run in parallel";
}

TEST(DeviceClock, capped_ingress_serves_in_call_order) {
    scheduler::Fleet fleet = two_devices();
    fleet.devices[1].ingress.base = 500'000;
    DeviceClock b(fleet, DeviceId(1));
    // Both heads are there at 1 ms; 1000 B take 2 ms each.
    EXPECT_EQ(b.receive({0, 1'000'000, 2'000'000}, 1000), 3'000'000);
    EXPECT_EQ(b.receive({0, 1'000'000, 2'000'000}, 1000), 5'000'000);
}

TEST(DeviceClock, pages_what_is_held_above_memory_before_the_operation) {
    scheduler::Fleet fleet = two_devices();
    fleet.devices[0].storage_bandwidth.base = 1'000'000;
    fleet.devices[0].has_storage = true;
    DeviceClock a(fleet, DeviceId(0));
    EXPECT_EQ(a.run_operation(1000, 0, 1500).start, 500'000);
    EXPECT_EQ(a.now(), 501'000);
    EXPECT_EQ(a.run_operation(0, 0, 900).start, 501'000) << "nothing to page below the limit";
}

TEST(DeviceClock, says_never_for_a_rate_that_stays_zero) {
    scheduler::Fleet fleet = two_devices();
    fleet.devices[0].compute.base = 0;
    DeviceClock a(fleet, DeviceId(0));
    EXPECT_EQ(a.run_operation(0, 0, 0).end, 0);
    EXPECT_EQ(a.run_operation(1, 0, 0).end, kNever);
}

} // namespace
} // namespace headroom::device
