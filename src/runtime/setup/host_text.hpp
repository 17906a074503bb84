// Makes texts that tell users on which hosts devices are: "host alpha (devices 0-2, 5)".
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace headroom::runtime {

/// Indices of devices, ascending.
using DeviceList = std::vector<std::size_t>;

/// Returns "device 3" or "devices 0-2, 5".
[[nodiscard]] std::string devices_text(const DeviceList& devices);

/// Returns `devices` by host, as "host alpha (devices 0-2, 5), host beta (device 3)". hosts: the
/// host of each device of the fleet. If `hosts` is empty, because all devices are in one process,
/// the text is "devices 0-3, 5".
[[nodiscard]] std::string fleet_text(std::span<const std::string> hosts, const DeviceList& devices);

/// Returns all devices by host, as "alpha (devices 0-2), beta (device 3)", or just "alpha" if there
/// is one host. hosts: the host of each device of the fleet; not empty.
[[nodiscard]] std::string hosts_text(std::span<const std::string> hosts);

} // namespace headroom::runtime
