// Scales, loads and events are applied to the right profiles with the right values.
#include <gtest/gtest.h>

#include "base/random.hpp"
#include "scenarios.hpp"

namespace headroom::config {
namespace {

using scheduler::LinkSpec;

const DeviceId kA(0);
const DeviceId kB(1);
const DeviceId kC(2);

std::int64_t value(const scheduler::Profile& profile, Nanoseconds t, std::int64_t tokens = 0) {
    return profile.at(t, tokens).value;
}

TEST(Fleet, scales_are_exact_and_apply_to_the_right_rates) {
    const scheduler::Fleet fleet = read(std::string(kEverything)).fleet;
    const scheduler::DeviceSpec& hub = fleet.devices[0];
    EXPECT_EQ(hub.compute.scale.numerator, 1);
    EXPECT_EQ(hub.compute.scale.denominator, 10'000);
    EXPECT_EQ(value(hub.compute, 0), 350'000'000);        // 3.5e12 / 10⁴
    EXPECT_EQ(value(hub.memory_bandwidth, 0), 1'200'000); // with compute
    EXPECT_EQ(value(hub.storage_bandwidth, 0), 30'000);   // with compute
    EXPECT_EQ(value(hub.egress, 0), 250'000'000);         // 1 Gbit/s · 2
    EXPECT_EQ(value(hub.ingress, 0), 125'000'000);
    EXPECT_EQ(value(hub.memory, 0), 11'596'411); // ⌊4 GiB · 3/1000 · 0.9⌋
    EXPECT_TRUE(hub.has_storage);
    EXPECT_EQ(value(fleet.network.link(kB, kC).latency, 0), 200'000); // 2 ms / 10
    EXPECT_TRUE(fleet.devices[1].memory_bandwidth.unlimited());
}

TEST(Fleet, costs_of_devices_and_media_are_scaled) {
    const scheduler::Fleet fleet = read(std::string(kEverything)).fleet;
    const scheduler::DeviceSpec& hub = fleet.devices[0];
    EXPECT_EQ(hub.operation_overhead, 200'000'000); // 20 us · 10⁴
    EXPECT_EQ(hub.message_overhead, 5'000'000'000);
    EXPECT_EQ(fleet.devices[1].message_overhead, 0);
    ASSERT_EQ(hub.rates.size(), 2U);
    EXPECT_EQ(hub.rates[0].type, WeightType::q8_0);
    EXPECT_EQ(value(hub.rates[0].compute, 0), 350'000'000) << "the device's own";
    EXPECT_EQ(value(hub.rates[0].prefill_compute, 0), 350'000'000);
    EXPECT_EQ(value(hub.rates[0].memory_bandwidth, 0), 1'100'000);
    EXPECT_EQ(value(hub.rates[1].compute, 0), 500'000'000);
    EXPECT_EQ(value(hub.rates[1].prefill_compute, 0), 700'000'000);
    EXPECT_EQ(value(hub.rates[1].prefill_compute, 2'600'000'000), 350'000'000) << "load and rates";
    ASSERT_EQ(fleet.media.size(), 2U);
    EXPECT_EQ(value(fleet.media[0], 0), 50'000'000); // 200 Mbit/s · 2
    EXPECT_EQ(fleet.devices[0].medium, scheduler::kNoMedium);
    EXPECT_EQ(fleet.devices[1].medium, 0);
    EXPECT_EQ(fleet.devices[2].medium, 0);
    EXPECT_EQ(fleet.devices[3].medium, 1);
    EXPECT_EQ(fleet.devices[4].medium, 1);
    const LinkSpec& link = fleet.network.link(kB, kC);
    EXPECT_EQ(link.variation.loss, 10'000'000);
    EXPECT_EQ(link.variation.retransmit_timeout, 20'000'000); // 200 ms / 10
    EXPECT_EQ(link.variation.jitter_high, 0) << "a walk is no draw per message";
    EXPECT_EQ(link.variation.jitter_mean, 500'000);
    for (Nanoseconds t = 0; t < 50 * kSecond; t += kSecond) {
        EXPECT_GE(value(link.jitter, t), 100'000);
        EXPECT_LE(value(link.jitter, t), 900'000);
    }
    EXPECT_NE(value(link.jitter, kSecond), value(fleet.network.link(kC, kB).jitter, kSecond));
}

TEST(Fleet, events_change_the_rates_of_weight_types) {
    const std::string events = "[[event]]\nat = \"1 s\"\ndevice = \"a\"\nkind = \"compute\"\n"
                               "factor = 0.5\n[[event]]\nat = \"2 s\"\ndevice = \"a\"\n"
                               "kind = \"memory_bandwidth\"\nfactor = 0.25\n";
    const scheduler::Fleet fleet =
        read(
            small_with(events),
            {.set = {"device.0.rates.f32={compute=\"4 GFLOP/s\", memory_bandwidth=\"8 GB/s\"}"}}
        ).fleet;
    const scheduler::TypeRates<scheduler::Profile>& rates = fleet.devices[0].rates.at(0);
    EXPECT_EQ(value(rates.compute, 0), 4'000'000'000);
    EXPECT_EQ(value(rates.compute, kSecond), 2'000'000'000);
    EXPECT_EQ(value(rates.prefill_compute, kSecond), 2'000'000'000);
    EXPECT_EQ(value(rates.memory_bandwidth, kSecond), 8'000'000'000);
    EXPECT_EQ(value(rates.memory_bandwidth, 2 * kSecond), 2'000'000'000);
    EXPECT_TRUE(fleet.devices[0].memory_bandwidth.unlimited());
}

TEST(Fleet, uniform_jitter_and_loss_are_drawn_with_their_means_predicted) {
    const scheduler::Fleet fleet =
        read(small_with("loss = 0.5\nretransmit_timeout = \"8 ms\"\n"
                        "jitter = { kind = \"uniform\", low = \"2 ms\", high = \"4 ms\" }"))
            .fleet;
    const LinkSpec& link = fleet.network.link(kA, kB);
    EXPECT_EQ(link.variation.jitter_low, 2'000'000);
    EXPECT_EQ(link.variation.jitter_high, 4'000'000);
    EXPECT_EQ(value(link.jitter, 0), 0);
    // 255/256 failures on average: 1/2 + 1/4 + … + 1/256
    const scheduler::Snapshot::Link mean = scheduler::take_snapshot(fleet, 0, 0).link(kA, kB);
    EXPECT_EQ(mean.latency, 1'000'000 + 3'000'000 + 7'968'750);
    EXPECT_EQ(mean.bandwidth, 500'978); // 1 MB/s / (1 + 255/256), rounded down
}

TEST(Fleet, absent_rates_are_unlimited_whatever_the_scale) {
    const auto fleet =
        read(small_with("[fleet]\ncompute_scale = 0.5\nbandwidth_scale = 0.5")).fleet;
    EXPECT_TRUE(fleet.devices[0].memory_bandwidth.unlimited());
    EXPECT_TRUE(fleet.devices[0].storage_bandwidth.unlimited());
    EXPECT_TRUE(fleet.devices[0].egress.unlimited());
    EXPECT_TRUE(fleet.devices[0].ingress.unlimited());
    EXPECT_FALSE(fleet.devices[0].has_storage);
}

TEST(Fleet, loads_hold_from_their_breakpoints) {
    const auto fleet =
        read(
            small_with(""),
            {.set =
                 {"device.0.load={kind=\"steps\",at=[\"1 s\",\"2 s\"],value=[0.5,1]}",
                  "device.1.memory_load=0.25"}}
        ).fleet;
    EXPECT_EQ(value(fleet.devices[0].compute, kSecond - 1), 1'000'000'000);
    EXPECT_EQ(value(fleet.devices[0].compute, kSecond), 500'000'000);
    EXPECT_EQ(value(fleet.devices[0].compute, 2 * kSecond), 0);
    EXPECT_EQ(value(fleet.devices[1].memory, 5), (2 << 20) / 4 * 3);
}

TEST(Fleet, random_loads_have_a_stream_per_device_and_purpose) {
    const Scenario s = read(std::string(kEverything));
    const auto load = scheduler::Load::uniform(
        50'000'000, 300'000'000, kSecond, stream_seed(11, "compute load", 2)
    );
    const auto walk = scheduler::Load::walk(
        0, 500'000'000, 10'000'000, 20'000'000, stream_seed(11, "memory load", 2)
    );
    bool differ = false;
    for (Nanoseconds t = 0; t < 20 * kSecond; t += kSecond) {
        EXPECT_EQ(s.fleet.devices[2].compute.load.at(t).value, load.at(t).value);
        EXPECT_EQ(s.fleet.devices[2].memory.load.at(t).value, walk.at(t).value);
        differ |= s.fleet.devices[1].compute.load.at(t).value != load.at(t).value;
    }
    EXPECT_TRUE(differ) << "two devices must not share a load";
}

TEST(Fleet, every_link_direction_varies_independently) {
    const auto fleet =
        read(small_with("variation = { kind = \"uniform\", low = 0, high = 0.5, period = \"1 s\" }")
        )
            .fleet;
    const LinkSpec& there = fleet.network.link(kA, kB);
    const LinkSpec& back = fleet.network.link(kB, kA);
    bool differ = false;
    for (Nanoseconds t = 0; t < 20 * kSecond; t += kSecond) {
        differ |= value(there.bandwidth, t) != value(back.bandwidth, t);
        EXPECT_LE(value(there.bandwidth, t), 1'000'000);
        EXPECT_GE(value(there.bandwidth, t), 500'000);
        EXPECT_EQ(value(there.latency, t), 1'000'000) << "latencies do not vary";
    }
    EXPECT_TRUE(differ);
}

TEST(Fleet, constant_variation_applies_to_all_links) {
    const auto fleet = read(small_with("variation = 0.5\n[[network.link]]\nfrom = 0\nto = "
                                       "1\nbandwidth = \"2 MB/s\"\nboth = false"))
                           .fleet;
    EXPECT_EQ(value(fleet.network.link(kA, kB).bandwidth, 0), 1'000'000);
    EXPECT_EQ(value(fleet.network.link(kB, kA).bandwidth, 0), 500'000);
}

constexpr std::string_view kEvents = R"(
[[device]]
name = "c"
compute = "1 GFLOP/s"
memory = "1 MB"
storage_bandwidth = "1 MB/s"
memory_bandwidth = "3 MB/s"
[[event]]
at = "2 s"
device = "a"
kind = "compute"
factor = 1
[[event]]
at = "1 s"
device = "a"
kind = "compute"
factor = 0.5
[[event]]
at_token = 10
device = "a"
kind = "compute"
factor = 0.1
[[event]]
at_token = 3
device = "c"
kind = "memory"
factor = 0.75
[[event]]
at = 0
device = "c"
kind = "storage_bandwidth"
factor = 0.5
[[event]]
at = 0
device = "c"
kind = "memory_bandwidth"
factor = 3
[[event]]
at = "1 s"
link = ["a", "b"]
kind = "bandwidth"
factor = 0
[[event]]
at = "1 s"
link = ["b", "a"]
kind = "latency"
factor = 2.5
)";

TEST(Fleet, device_events_change_one_rate_of_one_device) {
    const auto fleet = read(small_with(kEvents)).fleet;
    const scheduler::Profile& compute = fleet.devices[0].compute;
    ASSERT_EQ(compute.changes.size(), 3U);
    EXPECT_EQ(compute.changes[0].at_token, 10); // sorted: token events (at = −1) before time events
    EXPECT_EQ(compute.changes[1].at, kSecond);
    EXPECT_EQ(compute.changes[2].at, 2 * kSecond);
    EXPECT_EQ(value(compute, 0), 1'000'000'000);
    EXPECT_EQ(value(compute, kSecond), 500'000'000);
    EXPECT_EQ(value(compute, kSecond, 10), 50'000'000);    // one of each multiply
    EXPECT_EQ(value(compute, 2 * kSecond), 1'000'000'000); // factor 1 restores
    EXPECT_EQ(value(fleet.devices[1].compute, kSecond, 10), 2'000'000'000);
    EXPECT_EQ(value(fleet.devices[2].memory, 0, 2), 1'000'000);
    EXPECT_EQ(value(fleet.devices[2].memory, 0, 3), 750'000);
    EXPECT_EQ(value(fleet.devices[2].storage_bandwidth, 0), 500'000);
    EXPECT_EQ(value(fleet.devices[2].memory_bandwidth, 0), 9'000'000);
}

TEST(Fleet, link_events_change_both_directions_of_one_pair) {
    const auto fleet = read(small_with(kEvents)).fleet;
    for (const auto& [from, to] : {std::pair(kA, kB), std::pair(kB, kA)}) {
        const LinkSpec& link = fleet.network.link(from, to);
        EXPECT_EQ(value(link.bandwidth, kSecond - 1), 1'000'000);
        EXPECT_EQ(value(link.bandwidth, kSecond), 0);
        EXPECT_EQ(value(link.latency, kSecond - 1), 1'000'000);
        EXPECT_EQ(value(link.latency, kSecond), 2'500'000);
    }
    EXPECT_EQ(value(fleet.network.link(kA, kC).bandwidth, kSecond), 1'000'000);
}

TEST(Fleet, does_not_depend_on_the_order_of_events) {
    Scenario s = read(small_with(kEvents));
    std::vector<Event> reversed(s.events.rbegin(), s.events.rend());
    const scheduler::Fleet other = build_fleet(s.declared, reversed, s.seed);
    for (Nanoseconds t = 0; t < 3 * kSecond; t += kSecond / 2) {
        for (const std::int64_t tokens : {0, 3, 10}) {
            for (std::size_t d = 0; d < other.size(); ++d) {
                EXPECT_EQ(
                    value(s.fleet.devices[d].compute, t, tokens),
                    value(other.devices[d].compute, t, tokens)
                );
            }
        }
    }
}

} // namespace
} // namespace headroom::config
