#include "scheduler/core/fleet.hpp"

#include "base/check.hpp"

namespace headroom::scheduler {

void Network::set(DeviceId from, DeviceId to, LinkSpec link) {
    HEADROOM_CHECK(from != to, "a link from device {} to itself", from.value);
    overrides_.insert_or_assign({from, to}, std::move(link));
}

const LinkSpec& Network::link(DeviceId from, DeviceId to) const {
    if (overrides_.empty()) {
        return default_link_;
    }
    const auto found = overrides_.find({from, to});
    return found == overrides_.end() ? default_link_ : found->second;
}

namespace {

/// The most devices with which a snapshot always has a table of all pairs, which takes 4 MiB then.
constexpr std::size_t kMaxTableDevices = 512;
/// In larger fleets a snapshot has a table if at least one of this many pairs has an override.
constexpr std::size_t kPairsPerOverride = 8;

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
            .operation_overhead = spec.operation_overhead,
            .message_overhead = spec.message_overhead,
            .medium = spec.medium,
        });
        for (const TypeRates<Profile>& rates : spec.rates) {
            snapshot.devices.back().rates.push_back(
                {rates.type,
                 now(rates.compute),
                 now(rates.memory_bandwidth),
                 now(rates.prefill_compute)}
            );
        }
    }
    for (const Profile& medium : fleet.media) {
        snapshot.media.push_back(now(medium));
    }
    const auto link_now = [&](const LinkSpec& spec) {
        return Snapshot::Link{
            mean_bandwidth(spec.variation, now(spec.bandwidth)),
            mean_latency(spec.variation, now(spec.latency))};
    };
    const std::size_t pairs = fleet.size() * fleet.size();
    const auto& overrides = fleet.network.overrides();
    snapshot.default_link = link_now(fleet.network.default_link());
    if (fleet.size() > kMaxTableDevices && overrides.size() < pairs / kPairsPerOverride) {
        snapshot.link_overrides.reserve(overrides.size());
        for (const auto& [pair, spec] : overrides) {
            snapshot.link_overrides.push_back({pair.first, pair.second, link_now(spec)});
        }
        return snapshot;
    }
    snapshot.links.assign(pairs, snapshot.default_link);
    for (std::size_t d = 0; d < fleet.size(); ++d) {
        snapshot.links[d * fleet.size() + d] = {};
    }
    for (const auto& [pair, spec] : overrides) {
        snapshot.links[pair.first.index() * fleet.size() + pair.second.index()] = link_now(spec);
    }
    return snapshot;
}

const Snapshot::Link& Snapshot::sparse_link(DeviceId from, DeviceId to) const {
    const auto ends = [](const LinkOverride& o) { return std::pair(o.from, o.to); };
    const auto found = std::ranges::lower_bound(link_overrides, std::pair(from, to), {}, ends);
    const bool is_override = found != link_overrides.end() && ends(*found) == std::pair(from, to);
    return is_override ? found->link : default_link;
}

} // namespace headroom::scheduler
