// Networks and snapshots: a snapshot has the values of all profiles at its time.
#include <gtest/gtest.h>

#include "base/check.hpp"
#include "tests/scheduler/instances/fleets.hpp"

namespace headroom::scheduler {
namespace {

constexpr DeviceId kA{0};
constexpr DeviceId kB{1};
constexpr DeviceId kC{2};

TEST(Network, replaces_one_direction_of_one_pair) {
    Fleet fleet = testing::equal_fleet(3, 1, 1000, 5);
    fleet.network.set(kA, kB, {testing::constant_profile(77), testing::constant_profile(9)});
    EXPECT_EQ(fleet.network.link(kA, kB).bandwidth.base, 77);
    EXPECT_EQ(fleet.network.link(kB, kA).bandwidth.base, 1000);
    EXPECT_EQ(fleet.network.link(kA, kC).latency.base, 5);
    EXPECT_THROW(fleet.network.set(kA, kA, {}), Bug);
    EXPECT_EQ(Network().link(kA, kB).latency.at(0, 0).value, 0) << "no latency unless said";
}

TEST(Snapshot, has_all_profiles_at_its_time_and_token) {
    Random random(5);
    for (int i = 0; i < 20; ++i) {
        const Fleet fleet = testing::random_fleet(random, 4);
        const Nanoseconds t = static_cast<Nanoseconds>(random.below(30'000'000));
        const auto tokens = static_cast<std::int64_t>(random.below(5));
        const Snapshot snapshot = take_snapshot(fleet, t, tokens);
        EXPECT_EQ(snapshot.at, t);
        for (std::size_t d = 0; d < fleet.size(); ++d) {
            const DeviceSpec& spec = fleet.devices[d];
            const Snapshot::Device& seen = snapshot.device(DeviceId(d));
            EXPECT_EQ(seen.compute, spec.compute.at(t, tokens).value);
            EXPECT_EQ(seen.memory, spec.memory.at(t, tokens).value);
            EXPECT_EQ(seen.memory_bandwidth, spec.memory_bandwidth.at(t, tokens).value);
            EXPECT_EQ(seen.storage_bandwidth, spec.storage_bandwidth.at(t, tokens).value);
            EXPECT_EQ(seen.egress, spec.egress.at(t, tokens).value);
            EXPECT_EQ(seen.ingress, spec.ingress.at(t, tokens).value);
            for (std::size_t to = 0; to < fleet.size(); ++to) {
                if (to != d) {
                    const LinkSpec& link = fleet.network.link(DeviceId(d), DeviceId(to));
                    const Snapshot::Link& row = snapshot.link(DeviceId(d), DeviceId(to));
                    EXPECT_EQ(row.bandwidth, link.bandwidth.at(t, tokens).value);
                    EXPECT_EQ(row.latency, link.latency.at(t, tokens).value);
                }
            }
        }
    }
}

TEST(Snapshot, has_the_costs_of_real_devices_and_the_means_of_links) {
    Random random(6);
    int typed = 0;
    for (int i = 0; i < 20; ++i) {
        Fleet fleet = testing::random_fleet(random, 4);
        testing::add_costs(fleet, testing::FleetCosts::all(), random);
        const Nanoseconds t = static_cast<Nanoseconds>(random.below(30'000'000));
        const Snapshot snapshot = take_snapshot(fleet, t, 1);
        ASSERT_EQ(snapshot.media.size(), fleet.media.size());
        for (std::size_t m = 0; m < fleet.media.size(); ++m) {
            EXPECT_EQ(snapshot.media[m], fleet.media[m].at(t, 1).value);
        }
        for (std::size_t d = 0; d < fleet.size(); ++d) {
            const DeviceSpec& spec = fleet.devices[d];
            const Snapshot::Device& seen = snapshot.device(DeviceId(d));
            EXPECT_EQ(seen.operation_overhead, spec.operation_overhead);
            EXPECT_EQ(seen.message_overhead, spec.message_overhead);
            EXPECT_EQ(seen.medium, spec.medium);
            ASSERT_EQ(seen.rates.size(), spec.rates.size());
            for (std::size_t r = 0; r < spec.rates.size(); ++r) {
                EXPECT_EQ(seen.rates[r].type, spec.rates[r].type);
                EXPECT_EQ(seen.rates[r].compute, spec.rates[r].compute.at(t, 1).value);
                EXPECT_EQ(
                    seen.rates[r].memory_bandwidth, spec.rates[r].memory_bandwidth.at(t, 1).value
                );
                EXPECT_EQ(
                    seen.rates[r].prefill_compute, spec.rates[r].prefill_compute.at(t, 1).value
                );
                ++typed;
            }
            for (std::size_t to = 0; to < fleet.size(); ++to) {
                if (to != d) {
                    const LinkSpec& link = fleet.network.link(DeviceId(d), DeviceId(to));
                    const Snapshot::Link& row = snapshot.link(DeviceId(d), DeviceId(to));
                    EXPECT_EQ(
                        row.bandwidth, mean_bandwidth(link.variation, link.bandwidth.at(t, 1).value)
                    );
                    EXPECT_EQ(
                        row.latency, mean_latency(link.variation, link.latency.at(t, 1).value)
                    );
                }
            }
        }
    }
    EXPECT_GT(typed, 20);
}

/// A table of all pairs of this fleet would take 64 GiB.
TEST(Snapshot, of_a_large_fleet_has_no_table_of_pairs) {
    constexpr std::size_t kDevices = 65'536;
    Fleet fleet = testing::equal_fleet(kDevices, 1, 1000, 5);
    const DeviceId last(kDevices - 1);
    LinkSpec slow{testing::constant_profile(77), testing::constant_profile(9)};
    slow.bandwidth.changes = {{.at = 40, .factor = 0}};
    fleet.network.set(last, kA, slow);
    fleet.network.set(kB, kC, {testing::constant_profile(88), testing::constant_profile(8)});
    const Snapshot snapshot = take_snapshot(fleet, 39, 0);
    EXPECT_TRUE(snapshot.links.empty());
    EXPECT_EQ(snapshot.link(last, kA).bandwidth, 77);
    EXPECT_EQ(snapshot.link(last, kA).latency, 9);
    EXPECT_EQ(snapshot.link(kB, kC).bandwidth, 88);
    for (const auto& [from, to] : {std::pair(kA, last), std::pair(kC, kB), std::pair(last, kB)}) {
        EXPECT_EQ(snapshot.link(from, to).bandwidth, 1000);
        EXPECT_EQ(snapshot.link(from, to).latency, 5);
        EXPECT_EQ(snapshot.link_at(from.index() * kDevices + to.index()).latency, 5);
    }
    EXPECT_EQ(snapshot.link_at(last.index() * kDevices).bandwidth, 77);
    const auto is_fast = [](const Snapshot::Link& link) { return link.bandwidth > 70; };
    EXPECT_TRUE(snapshot.all_links(is_fast));
    EXPECT_FALSE(take_snapshot(fleet, 40, 0).all_links(is_fast));
    EXPECT_EQ(SnapshotRates(snapshot).latency(kB, kC, 0), 8);
}

TEST(Snapshot, sees_a_change_from_its_breakpoint_and_its_token) {
    Fleet fleet = testing::equal_fleet(2, 1000, 1000, 5);
    fleet.devices[1].compute.changes = {{.at = 40, .factor = kWhole / 2}};
    fleet.devices[1].memory = {.base = 800, .changes = {{.at_token = 6, .factor = kWhole / 4}}};
    EXPECT_EQ(take_snapshot(fleet, 39, 6).device(kB).compute, 1000);
    EXPECT_EQ(take_snapshot(fleet, 40, 5).device(kB).compute, 500);
    EXPECT_EQ(take_snapshot(fleet, 40, 5).device(kB).memory, 800);
    EXPECT_EQ(take_snapshot(fleet, 0, 6).device(kB).memory, 200);
}

TEST(Rates, of_fleet_and_snapshot_agree_when_nothing_changes) {
    Fleet fleet = testing::equal_fleet(2, 3000, 700, 11);
    fleet.devices[0].memory_bandwidth = testing::constant_profile(900);
    fleet.devices[0].storage_bandwidth = testing::constant_profile(90);
    fleet.devices[0].has_storage = true;
    fleet.devices[0].egress = testing::constant_profile(70);
    fleet.devices[1].ingress = testing::constant_profile(60);
    const Snapshot snapshot = take_snapshot(fleet, 0, 0);
    const FleetRates truth(fleet, 0);
    const SnapshotRates seen(snapshot);
    EXPECT_EQ(truth.devices(), seen.devices());
    for (const DeviceId d : {kA, kB}) {
        OperationCost cost;
        cost.flops = 1234;
        EXPECT_EQ(truth.operation(d, 5, cost), seen.operation(d, 5, cost));
        cost = {};
        cost.touched = 1234;
        EXPECT_EQ(truth.operation(d, 5, cost), seen.operation(d, 5, cost));
        EXPECT_EQ(truth.storage(d, 5, 1234), seen.storage(d, 5, 1234));
        EXPECT_EQ(truth.egress(d, 5, 1234), seen.egress(d, 5, 1234));
        EXPECT_EQ(truth.ingress(d, 5, 1234), seen.ingress(d, 5, 1234));
        EXPECT_EQ(truth.memory(d, 5), seen.memory(d, 5));
        EXPECT_EQ(truth.egress_capped(d), seen.egress_capped(d));
        EXPECT_EQ(truth.ingress_capped(d), seen.ingress_capped(d));
    }
    EXPECT_EQ(truth.link(kA, kB, 5, 1234), seen.link(kA, kB, 5, 1234));
    EXPECT_EQ(truth.latency(kA, kB, 5), seen.latency(kA, kB, 5));
    EXPECT_TRUE(seen.egress_capped(kA));
    EXPECT_FALSE(seen.egress_capped(kB));
    EXPECT_TRUE(seen.ingress_capped(kB));
    EXPECT_EQ(snapshot.device(kB).storage_bandwidth, kUnlimited) << "B has no storage";
}

} // namespace
} // namespace headroom::scheduler
