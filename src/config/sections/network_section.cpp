// [network] and [[network.link]].
#include <set>
#include <tuple>
#include <utility>

#include <fmt/format.h>

#include "config/sections/sections.hpp"

namespace headroom::config {

namespace {

std::optional<DeviceId> read_end(
    TableReader& table, std::string_view key, const DeviceNames& names
) {
    const auto entry = table.find(key);
    if (!entry) {
        table.report_missing(key, "give a device's name or index");
        return std::nullopt;
    }
    return names.find_device(*entry, table.problems());
}

/// Reads bandwidth and latency. Values that the table does not have are those of the preset, or
/// else those of `defaults`.
std::pair<PerSecond, Nanoseconds> read_bandwidth_and_latency(
    TableReader& table, const Scales& scales, const NetworkConfig& defaults
) {
    const NetworkPreset* const preset = table.catalogue_entry("preset", network_presets());
    const auto read =
        [&](std::string_view key, Quantity quantity, Zero zero, scheduler::Ratio scale, auto of) {
            const auto given = preset == nullptr ? std::optional<std::int64_t>() : of(*preset);
            return read_scaled(table, key, quantity, zero, scale, "preset", given);
        };
    const auto bandwidth = read(
        "bandwidth",
        Quantity::byte_rate,
        Zero::refused,
        scales.bandwidth,
        [](const NetworkPreset& p) { return std::optional(p.bandwidth.value); }
    );
    const auto latency = read(
        "latency",
        Quantity::duration,
        Zero::allowed,
        scales.latency,
        [](const NetworkPreset& p) { return std::optional(p.latency.value); }
    );
    return {bandwidth.value_or(defaults.bandwidth), latency.value_or(defaults.latency)};
}

/// Reads one [[network.link]] and adds it, in both directions unless both = false.
void read_link(
    TableReader& table,
    const Scales& scales,
    const DeviceNames& names,
    NetworkConfig& network,
    std::set<std::pair<DeviceId, DeviceId>>& taken
) {
    const auto from = read_end(table, "from", names);
    const auto to = read_end(table, "to", names);
    LinkConfig link;
    std::tie(link.bandwidth, link.latency) = read_bandwidth_and_latency(table, scales, network);
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
    if (devices > 1 && variation.kind == LoadConfig::Kind::constant &&
        variation.constant == scheduler::kWhole) {
        const std::string_view text = "= 1 leaves no bandwidth: no message would ever arrive";
        add_problem(*table.find("variation"), text, table.problems());
    }
    const bool walk = variation.kind == LoadConfig::Kind::walk;
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

} // namespace

NetworkConfig read_network(TableReader& root, const Scales& scales, const DeviceNames& names) {
    NetworkConfig network;
    const bool needed = names.size() > 1;
    auto table = root.table("network", "[network]");
    if (!table) {
        if (needed && !root.find("network")) {
            const std::string_view hint = "several devices need a [network]";
            root.report_missing("network.bandwidth", hint);
            root.report_missing("network.latency", hint);
        }
        return network;
    }
    for (const std::string_view key : {"bandwidth", "latency"}) {
        if (needed && !table->find(key) && !table->find("preset")) {
            table->report_missing(key, "several devices need it, or a preset");
        }
    }
    std::tie(network.bandwidth, network.latency) =
        read_bandwidth_and_latency(*table, scales, network);
    network.variation = read_load(*table, "variation");
    check_variation(*table, network.variation, names.size());
    std::set<std::pair<DeviceId, DeviceId>> taken;
    for (TableReader& link : table->tables("link", "[[network.link]]")) {
        read_link(link, scales, names, network, taken);
    }
    table->finish();
    return network;
}

} // namespace headroom::config
