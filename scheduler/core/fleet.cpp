// Two ways to answer what a device or link gives: from the true profiles, and from the values that
// a snapshot froze.
#include "scheduler/core/fleet.hpp"

#include "base/check.hpp"

namespace headroom::scheduler {

void Network::set(DeviceId from, DeviceId to, LinkSpec link) {
    HEADROOM_CHECK(from != to, "a link from device {} to itself", from.value);
    overrides_.insert_or_assign({from, to}, std::move(link));
}

const LinkSpec& Network::link(DeviceId from, DeviceId to) const {
    if (overrides_.empty()) {
        return standard_;
    }
    const auto found = overrides_.find({from, to});
    return found == overrides_.end() ? standard_ : found->second;
}

Nanoseconds FleetRates::compute(DeviceId d, Nanoseconds start, Flops f) const {
    return finish(fleet_->devices[d.index()].compute, start, f, tokens_, stop_);
}

Nanoseconds FleetRates::touch(DeviceId d, Nanoseconds start, Bytes b) const {
    return finish(fleet_->devices[d.index()].memory_bandwidth, start, b, tokens_, stop_);
}

Nanoseconds FleetRates::storage(DeviceId d, Nanoseconds start, Bytes b) const {
    return finish(fleet_->devices[d.index()].storage_bandwidth, start, b, tokens_, stop_);
}

Nanoseconds FleetRates::egress(DeviceId d, Nanoseconds start, Bytes b) const {
    return finish(fleet_->devices[d.index()].egress, start, b, tokens_, stop_);
}

Nanoseconds FleetRates::ingress(DeviceId d, Nanoseconds start, Bytes b) const {
    return finish(fleet_->devices[d.index()].ingress, start, b, tokens_, stop_);
}

Nanoseconds FleetRates::link(DeviceId from, DeviceId to, Nanoseconds start, Bytes b) const {
    return finish(fleet_->network.link(from, to).bandwidth, start, b, tokens_, stop_);
}

Nanoseconds FleetRates::latency(DeviceId from, DeviceId to, Nanoseconds g) const {
    return fleet_->network.link(from, to).latency.at(g, tokens_).value;
}

Bytes FleetRates::memory(DeviceId d, Nanoseconds t) const {
    return fleet_->devices[d.index()].memory.at(t, tokens_).value;
}

bool FleetRates::egress_capped(DeviceId d) const {
    return !fleet_->devices[d.index()].egress.unlimited();
}

bool FleetRates::ingress_capped(DeviceId d) const {
    return !fleet_->devices[d.index()].ingress.unlimited();
}

namespace {

/// Devices up to which a snapshot has a table of all pairs, the fastest to ask; it takes 4 MiB.
constexpr std::size_t kLargestTable = 512;
/// Beyond it one of so many pairs may have a link of its own before a table is the smaller.
constexpr std::size_t kFewOwnLinks = 8;

} // namespace

Snapshot take_snapshot(const Fleet& fleet, Nanoseconds t, std::int64_t tokens) {
    const auto now = [t, tokens](const Profile& profile) { return profile.at(t, tokens).value; };
    Snapshot snapshot;
    snapshot.at = t;
    snapshot.devices.reserve(fleet.size());
    for (const DeviceSpec& spec : fleet.devices) {
        snapshot.devices.push_back({
            .compute = now(spec.compute),
            .memory_bandwidth = now(spec.memory_bandwidth),
            .storage_bandwidth = spec.has_storage ? now(spec.storage_bandwidth) : kUnlimited,
            .egress = now(spec.egress),
            .ingress = now(spec.ingress),
            .memory = now(spec.memory),
        });
    }
    const auto link_now = [&](const LinkSpec& spec) {
        return Snapshot::Link{now(spec.bandwidth), now(spec.latency)};
    };
    const std::size_t pairs = fleet.size() * fleet.size();
    const auto& overrides = fleet.network.overrides();
    snapshot.usual = link_now(fleet.network.standard());
    if (fleet.size() > kLargestTable && overrides.size() < pairs / kFewOwnLinks) {
        snapshot.own_links.reserve(overrides.size());
        for (const auto& [pair, spec] : overrides) {
            snapshot.own_links.push_back({pair.first, pair.second, link_now(spec)});
        }
        return snapshot;
    }
    snapshot.links.assign(pairs, snapshot.usual);
    for (std::size_t d = 0; d < fleet.size(); ++d) {
        snapshot.links[d * fleet.size() + d] = {};
    }
    for (const auto& [pair, spec] : overrides) {
        snapshot.links[pair.first.index() * fleet.size() + pair.second.index()] = link_now(spec);
    }
    return snapshot;
}

const Snapshot::Link& Snapshot::sparse_link(DeviceId from, DeviceId to) const {
    const auto found = std::lower_bound(
        own_links.begin(),
        own_links.end(),
        std::pair(from, to),
        [](const OwnLink& own, const auto& pair) { return std::pair(own.from, own.to) < pair; }
    );
    const bool own = found != own_links.end() && found->from == from && found->to == to;
    return own ? found->link : usual;
}

Nanoseconds SnapshotRates::compute(DeviceId d, Nanoseconds start, Flops f) const {
    return finish(snapshot_->device(d).compute, start, f);
}

Nanoseconds SnapshotRates::touch(DeviceId d, Nanoseconds start, Bytes b) const {
    return finish(snapshot_->device(d).memory_bandwidth, start, b);
}

Nanoseconds SnapshotRates::storage(DeviceId d, Nanoseconds start, Bytes b) const {
    return finish(snapshot_->device(d).storage_bandwidth, start, b);
}

Nanoseconds SnapshotRates::egress(DeviceId d, Nanoseconds start, Bytes b) const {
    return finish(snapshot_->device(d).egress, start, b);
}

Nanoseconds SnapshotRates::ingress(DeviceId d, Nanoseconds start, Bytes b) const {
    return finish(snapshot_->device(d).ingress, start, b);
}

Nanoseconds SnapshotRates::link(DeviceId from, DeviceId to, Nanoseconds start, Bytes b) const {
    return finish(snapshot_->link(from, to).bandwidth, start, b);
}

Nanoseconds SnapshotRates::latency(DeviceId from, DeviceId to, Nanoseconds /*g*/) const {
    return snapshot_->link(from, to).latency;
}

Bytes SnapshotRates::memory(DeviceId d, Nanoseconds /*t*/) const {
    return snapshot_->device(d).memory;
}

bool SnapshotRates::egress_capped(DeviceId d) const {
    return snapshot_->device(d).egress != kUnlimited;
}

bool SnapshotRates::ingress_capped(DeviceId d) const {
    return snapshot_->device(d).ingress != kUnlimited;
}

} // namespace headroom::scheduler
