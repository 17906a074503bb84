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

/// The cost of an operation of this many FLOP that reads nothing.
scheduler::OperationCost work(Flops flops) {
    return {.flops = flops, .touched = 0, .has_turns = true, .tokens = 1, .weights = {}};
}

TEST(DeviceClock, follows_the_worked_example) {
    const scheduler::Fleet fleet = two_devices();
    DeviceClock a(fleet, DeviceId(0));
    DeviceClock b(fleet, DeviceId(1));
    const MessageTiming normed = a.send({DeviceId(1), 256});
    EXPECT_EQ(normed.begin, 0);
    EXPECT_EQ(normed.arrival, 1'256'000);
    EXPECT_EQ(a.run_operation(work(13'568), false, 0).end, 13'568);
    b.advance_to(b.receive(normed, 256));
    EXPECT_EQ(b.run_operation(work(13'568), false, 0).end, 1'262'784);
    EXPECT_EQ(b.send({DeviceId(0), 128}).arrival, 2'390'784);
}

TEST(DeviceClock, queues_messages_on_a_busy_link) {
    const scheduler::Fleet fleet = two_devices();
    DeviceClock a(fleet, DeviceId(0));
    EXPECT_EQ(a.send({DeviceId(1), 1000}).arrival, 2'000'000);
    const MessageTiming second = a.send({DeviceId(1), 1000});
    EXPECT_EQ(second.begin, 1'000'000);
    EXPECT_EQ(second.arrival, 3'000'000);
    EXPECT_EQ(a.now(), 0) << "sending costs the device no time";
}

TEST(DeviceClock, capped_egress_delays_sends_to_others) {
    scheduler::Fleet fleet = two_devices();
    fleet.devices.push_back(fleet.devices[1]);
    fleet.devices[0].egress.base = 500'000;
    DeviceClock a(fleet, DeviceId(0));
    EXPECT_EQ(a.send({DeviceId(1), 1000}).arrival, 3'000'000); // 2 ms through the egress + 1 ms
    EXPECT_EQ(a.send({DeviceId(2), 1000}).begin, 2'000'000);
}

TEST(DeviceClock, without_a_cap_a_queue_on_one_link_does_not_delay_another) {
    scheduler::Fleet fleet = two_devices();
    fleet.devices.push_back(fleet.devices[1]);
    DeviceClock a(fleet, DeviceId(0));
    (void)a.send({DeviceId(1), 1000});
    EXPECT_EQ(a.send({DeviceId(1), 1000}).begin, 1'000'000) << "queued";
    EXPECT_EQ(a.send({DeviceId(2), 1000}).begin, 0) << "distinct links run in parallel";
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
    EXPECT_EQ(a.run_operation(work(1000), false, 1500).start, 500'000);
    EXPECT_EQ(a.now(), 501'000);
    EXPECT_EQ(a.run_operation(work(0), false, 900).start, 501'000)
        << "nothing to page below the limit";
}

TEST(DeviceClock, says_never_for_a_rate_that_stays_zero) {
    scheduler::Fleet fleet = two_devices();
    fleet.devices[0].compute.base = 0;
    DeviceClock a(fleet, DeviceId(0));
    EXPECT_EQ(a.run_operation(work(0), false, 0).end, 0);
    EXPECT_EQ(a.run_operation(work(1), false, 0).end, kNever);
}

TEST(DeviceClock, operation_overhead_comes_after_paging_and_only_where_a_stage_starts) {
    scheduler::Fleet fleet = two_devices();
    fleet.devices[0].operation_overhead = 300;
    fleet.devices[0].storage_bandwidth.base = 1'000'000;
    fleet.devices[0].has_storage = true;
    DeviceClock a(fleet, DeviceId(0));
    const TimeSpan paged = a.run_operation(work(1000), true, 1500);
    EXPECT_EQ(paged.start, 500'000);
    EXPECT_EQ(paged.end, 501'300);
    EXPECT_EQ(a.run_operation(work(1000), false, 0).end, 502'300);
    EXPECT_EQ(a.run_operation(work(0), true, 0).end, 502'600);
}

/// 1 000 FLOP of attention at 1 GFLOP/s, then 2 · 600 FLOP with q8_0 weights at 2 GFLOP/s, 700 B of
/// them at 1 B/ns.
TEST(DeviceClock, has_one_piece_per_weight_type) {
    scheduler::Fleet fleet = two_devices();
    scheduler::Profile rate;
    rate.base = 2'000'000'000;
    scheduler::Profile memory;
    memory.base = 1'000'000'000;
    fleet.devices[0].rates = {{WeightType::q8_0, rate, memory, rate}};
    const scheduler::WeightWork weights{WeightType::q8_0, 600, 700};
    scheduler::OperationCost cost = work(1000 + 2 * 600);
    cost.touched = 700;
    cost.tokens = 2;
    cost.weights = {&weights, 1};
    DeviceClock a(fleet, DeviceId(0));
    EXPECT_EQ(a.run_operation(cost, false, 0).end, 1000 + 700);
    fleet.devices[0].rates[0].memory_bandwidth.base = 7'000'000'000;
    EXPECT_EQ(a.run_operation(cost, false, 0).end, 1700 + 1000 + 600);
}

TEST(DeviceClock, message_overhead_advances_the_clock_before_a_send_and_after_an_arrival) {
    scheduler::Fleet fleet = two_devices();
    fleet.devices[0].message_overhead = 2'000;
    DeviceClock a(fleet, DeviceId(0));
    EXPECT_TRUE(a.has_message_overhead());
    EXPECT_EQ(a.send({DeviceId(1), 1000}).begin, 2'000);
    EXPECT_EQ(a.send({DeviceId(1), 1000}).begin, 1'002'000) << "waits for the link";
    EXPECT_EQ(a.now(), 4'000);
    a.handle_arrival(3'000);
    EXPECT_EQ(a.now(), 6'000);
    a.handle_arrival(9'000);
    EXPECT_EQ(a.now(), 11'000);
    EXPECT_FALSE(DeviceClock(fleet, DeviceId(1)).has_message_overhead());
}

/// 1 000 B take 1 ms, so three transmissions end at 1, 2.4 and 3.8 ms. The egress lets each of them
/// through in 0.5 ms and is held from the begin of the last one.
TEST(DeviceClock, repeats_a_lost_message_and_keeps_link_and_egress) {
    scheduler::Fleet fleet = two_devices();
    fleet.devices.push_back(fleet.devices[1]);
    fleet.devices[0].egress.base = 2'000'000;
    scheduler::LinkSpec link = fleet.network.link(DeviceId(0), DeviceId(1));
    link.variation.loss = scheduler::kWhole / 2;
    link.variation.retransmit_timeout = 400'000;
    link.variation.jitter_low = 50;
    link.variation.jitter_high = 60;
    scheduler::MessageKey key;
    const auto failures = [&] {
        return draw_delivery(link.variation, DeviceId(0), DeviceId(1), key).failures;
    };
    while (failures() != 2) {
        ++key.turn;
    }
    const Nanoseconds delay = draw_delivery(link.variation, DeviceId(0), DeviceId(1), key).delay;
    fleet.network.set(DeviceId(0), DeviceId(1), link);
    DeviceClock a(fleet, DeviceId(0));
    const MessageTiming lost = a.send({DeviceId(1), 1000, {}, key});
    EXPECT_EQ(lost.begin, 0);
    EXPECT_EQ(lost.first_byte, 2'800'000 + 1'000'000 + delay);
    EXPECT_EQ(lost.arrival, 3'800'000 + 1'000'000 + delay);
    EXPECT_EQ(a.send({DeviceId(2), 1000}).begin, 3'300'000);
    while (failures() != 0) {
        ++key.turn;
    }
    EXPECT_EQ(a.send({DeviceId(1), 1000, {}, key}).begin, 3'800'000);
}

/// A and B share 0.5 MB/s. Two shares of 1 000 B take 4 ms, three take 6 ms.
TEST(DeviceClock, passes_the_media_of_both_ends) {
    scheduler::Fleet fleet = two_devices();
    scheduler::Profile capacity;
    capacity.base = 500'000;
    fleet.media = {capacity, capacity};
    fleet.devices[0].medium = 1;
    fleet.devices[1].medium = 0;
    DeviceClock a(fleet, DeviceId(0));
    EXPECT_EQ(a.send({DeviceId(1), 1000, {2, 1}}).arrival, 4'000'000 + 1'000'000);
    EXPECT_EQ(a.send({DeviceId(1), 1000, {0, 3}}).arrival, 4'000'000 + 6'000'000 + 1'000'000);
    EXPECT_EQ(a.send({DeviceId(1), 1000, {0, 0}}).arrival, 10'000'000 + 1'000'000 + 1'000'000);
}

} // namespace
} // namespace headroom::device
