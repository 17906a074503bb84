// [network] and [[network.link]].
#include <set>
#include <utility>

#include <fmt/format.h>

#include "config/sections/keys.hpp"
#include "config/sections/sections.hpp"

namespace headroom::config {

namespace {

std::optional<DeviceId> read_end(
    TableReader& table, std::string_view key, const DeviceNames& names
) {
    table.require(key, "give a device's name or index");
    const auto entry = table.find(key);
    return entry ? names.find_device(*entry, table.problems()) : std::nullopt;
}

/// Reads the keys of [network] or a link. A preset, if there is one, replaces the values that the
/// struct has already. Returns the preset, or a null pointer.
template <class T>
const NetworkPreset* read_with_preset(
    TableReader& table, const Section<T>& section, const ScaleConfig& scales, T& out
) {
    const NetworkPreset* const preset = table.catalogue_entry("preset", network_presets());
    if (preset != nullptr) {
        out.bandwidth = preset->bandwidth.value;
        out.latency = preset->latency.value;
    }
    read_keys(table, section, out, {scales, preset == nullptr ? "" : "preset"});
    return preset;
}

/// Reads one [[network.link]] and adds it, in both directions unless both = false.
void read_link(
    TableReader& table,
    const ScaleConfig& scales,
    const DeviceNames& names,
    NetworkConfig& network,
    std::set<std::pair<DeviceId, DeviceId>>& taken
) {
    LinkConfig link;
    link.bandwidth = network.bandwidth;
    link.latency = network.latency;
    read_with_preset(table, kLinkKeys, scales, link);
    const auto from = read_end(table, "from", names);
    const auto to = read_end(table, "to", names);
    const bool both = table.flag("both").value_or(true);
    if (!table.find("bandwidth") && !table.find("latency") && !table.find("preset")) {
        table.report_missing("bandwidth", "a link gives bandwidth, latency or both, or a preset");
    }
    table.finish();
    if (!from || !to) {
        return;
    }
    if (*from == *to) {
        add_problem(*table.find("to"), "is the device that the link comes from", table.problems());
        return;
    }
    for (const auto& [a, b] : {std::pair(*from, *to), std::pair(*to, *from)}) {
        if (!both && a != *from) {
            continue;
        }
        if (!taken.emplace(a, b).second) {
            add_problem(*table.find("from"), "and to repeat an earlier link", table.problems());
            return;
        }
        link.from = a;
        link.to = b;
        network.links.push_back(link);
    }
}

void check_variation(TableReader& table, const LoadConfig& variation, std::size_t devices) {
    if (devices > 1 && variation.kind == LoadKind::constant &&
        variation.constant == scheduler::kWhole) {
        const std::string_view text = "= 1 leaves no bandwidth: no message would ever arrive";
        add_problem(*table.find("variation"), text, table.problems());
    }
    const bool walk = variation.kind == LoadKind::walk;
    const std::size_t limit = walk ? kMaxWalkingDevices : kMaxVaryingDevices;
    if (variation.is_random() && devices > limit) {
        const auto text = fmt::format(
            "= {{ kind = \"{}\" }} works with at most {} devices, since every link direction "
            "varies by itself; there are {}",
            walk ? "walk" : "uniform",
            limit,
            devices
        );
        add_problem(*table.find("variation"), text, table.problems());
    }
}

void check_loss(TableReader& table, NetworkConfig& network) {
    if (network.loss == scheduler::kWhole) {
        add_problem(*table.find("loss"), "= 1 loses every message; give less", table.problems());
        network.loss = 0;
    } else if (network.loss > 0 && network.retransmit_timeout == 0) {
        if (const auto entry = table.find("retransmit_timeout")) {
            add_mismatch(*entry, "a duration above 0 if there is a loss", table.problems());
        } else {
            table.report_missing(
                "retransmit_timeout", "loss needs it; give \"200 ms\" or the like"
            );
        }
    }
}

/// Gives devices without `egress` or `ingress` the limit of the preset's network interface.
void limit_devices(TableReader& network, PerSecond nic, FleetConfig& fleet) {
    const scheduler::Ratio scale = ratio_of(fleet.scales.bandwidth);
    check_scaled(network, "nic", nic, Zero::refused, scale, "preset");
    for (DeviceConfig& device : fleet.devices) {
        device.egress = device.egress == kUnlimited ? nic : device.egress;
        device.ingress = device.ingress == kUnlimited ? nic : device.ingress;
    }
}

} // namespace

void read_network(TableReader& root, const DeviceNames& names, FleetConfig& fleet) {
    NetworkConfig& network = fleet.network;
    const ScaleConfig& scales = fleet.scales;
    const bool needed = names.size() > 1;
    auto table = root.table("network", "[network]");
    if (!table) {
        if (needed && !root.find("network")) {
            const std::string_view hint = "several devices need a [network]";
            root.report_missing("network.bandwidth", hint);
            root.report_missing("network.latency", hint);
        }
        return;
    }
    for (const std::string_view key : {"bandwidth", "latency"}) {
        if (needed && !table->find(key) && !table->find("preset")) {
            table->report_missing(key, "several devices need it, or a preset");
        }
    }
    const NetworkPreset* const preset = read_with_preset(*table, kNetworkKeys, scales, network);
    check_variation(*table, network.variation, names.size());
    check_loss(*table, network);
    network.jitter = read_jitter(*table, scales, names.size());
    network.media = read_media(*table, scales, names, preset);
    if (needed && preset != nullptr && preset->nic) {
        limit_devices(*table, preset->nic->value, fleet);
    }
    std::set<std::pair<DeviceId, DeviceId>> taken;
    for (TableReader& link : table->tables("link", "[[network.link]]")) {
        read_link(link, scales, names, network, taken);
    }
    table->finish();
}

} // namespace headroom::config
