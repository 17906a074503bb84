// Where devices are, in words for people: "host alpha (devices 0-2, 5)".
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace headroom::runtime {

/// Indices of devices, ascending.
using DeviceList = std::vector<std::size_t>;

/// "device 3", "devices 0-2, 5".
[[nodiscard]] std::string devices_text(const DeviceList& devices);

/// "host alpha (devices 0-2, 5), host beta (device 3)", in the order of each host's first device;
/// without hosts (all devices in one process) "devices 0-3, 5".
/// hosts: per device of the fleet, or empty.
[[nodiscard]] std::string places_text(
    std::span<const std::string> hosts, const DeviceList& devices
);

/// "alpha (devices 0-2), beta (device 3)" for the whole fleet; a single host is just its name.
/// hosts: per device, at least one.
[[nodiscard]] std::string hosts_text(std::span<const std::string> hosts);

} // namespace headroom::runtime
