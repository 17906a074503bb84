// The costs of a scenario that only some scenarios have: rates of weight types, overheads, limits
// of network interfaces, jitter, loss and shared media.
#pragma once

#include <string>

#include <nlohmann/json.hpp>

#include "config/scenario/scenario.hpp"

namespace headroom::cli {

/// Returns the value of a profile at the start. A snapshot of the whole fleet would compute all
/// links, which are millions for thousands of devices.
[[nodiscard]] inline std::int64_t at_start(const scheduler::Profile& profile) {
    return profile.at(0, 0).value;
}

/// Returns a table of these costs with one line for each device that has some, or "".
[[nodiscard]] std::string device_costs_table(const config::Scenario& scenario);
/// Returns a line for each of loss, jitter and media that the network has.
[[nodiscard]] std::string network_costs_text(const config::Scenario& scenario);

/// Adds a device's costs to its object: null or 0 where there is none.
void add_device_costs(const scheduler::DeviceSpec& device, nlohmann::json& json);
/// Adds loss, jitter and media to the network's object.
void add_network_costs(const config::Scenario& scenario, nlohmann::json& json);

} // namespace headroom::cli
