#include "runtime/setup/host_text.hpp"

#include <algorithm>
#include <numeric>

#include <fmt/format.h>

namespace headroom::runtime {

namespace {

struct HostDevices {
    std::string host;
    DeviceList devices;
};

/// Returns the devices of each host, ordered by each host's first device.
std::vector<HostDevices> by_host(std::span<const std::string> hosts, const DeviceList& devices) {
    std::vector<HostDevices> groups;
    for (const std::size_t device : devices) {
        auto group = std::ranges::find(groups, hosts[device], &HostDevices::host);
        if (group == groups.end()) {
            group = groups.insert(groups.end(), {hosts[device], {}});
        }
        group->devices.push_back(device);
    }
    return groups;
}

std::string joined(const std::vector<HostDevices>& groups, const char* prefix) {
    std::string text;
    for (const HostDevices& group : groups) {
        text += fmt::format(
            "{}{}{} ({})", text.empty() ? "" : ", ", prefix, group.host, devices_text(group.devices)
        );
    }
    return text;
}

} // namespace

std::string devices_text(const DeviceList& devices) {
    std::string text;
    for (std::size_t i = 0; i < devices.size();) {
        std::size_t last = i;
        while (last + 1 < devices.size() && devices[last + 1] == devices[last] + 1) {
            ++last;
        }
        text += fmt::format("{}{}", text.empty() ? "" : ", ", devices[i]);
        if (last > i) {
            text += fmt::format("-{}", devices[last]);
        }
        i = last + 1;
    }
    return fmt::format("{} {}", devices.size() == 1 ? "device" : "devices", text);
}

std::string fleet_text(std::span<const std::string> hosts, const DeviceList& devices) {
    return hosts.empty() ? devices_text(devices) : joined(by_host(hosts, devices), "host ");
}

std::string hosts_text(std::span<const std::string> hosts) {
    DeviceList all(hosts.size());
    std::iota(all.begin(), all.end(), std::size_t{0});
    const std::vector<HostDevices> groups = by_host(hosts, all);
    return groups.size() == 1 ? groups.front().host : joined(groups, "");
}

} // namespace headroom::runtime
