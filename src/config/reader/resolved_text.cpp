// Writes a complete scenario as TOML. Traces contain this text, and a run can be repeated from it.
#include "config/scenario/scenario.hpp"
#include "config/sections/keys.hpp"
#include "config/sections/sections.hpp"

namespace headroom::config {

std::string resolved_text(const Scenario& scenario) {
    const FleetConfig& fleet = scenario.declared;
    std::string text;
    const auto add = [&](const auto& section, const auto& value) {
        text += section_text(section, value, fleet);
    };
    add(kTopLevelKeys, scenario);
    add(kModelKeys, scenario);
    add(kWorkloadKeys, scenario.workload);
    add(kControllerKeys, scenario.controller);
    add(kPaperKeys, scenario.controller.paper);
    add(kClockKeys, scenario.clock);
    add(kFleetKeys, fleet.scales);
    for (const DeviceConfig& device : fleet.devices) {
        add(kDeviceKeys, device);
        text += type_rates_text(device, fleet);
    }
    add(kNetworkKeys, fleet.network);
    if (fleet.network.jitter.kind != LoadKind::constant) {
        add(kJitterKeys, fleet.network.jitter);
    }
    for (const MediumConfig& medium : fleet.network.media) {
        add(kMediumKeys, medium);
    }
    for (const LinkConfig& link : fleet.network.links) {
        add(kLinkKeys, link);
    }
    for (const Event& event : scenario.events) {
        add(kEventKeys, event);
    }
    return text;
}

} // namespace headroom::config
