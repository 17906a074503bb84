// The command `headroom inspect --devices`: it lists the catalogue's device profiles and network
// presets.
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/units.hpp"
#include "cli/terminal/screen.hpp"
#include "cli/trace/inspect_command.hpp"
#include "config/sections/catalogue.hpp"

namespace headroom::cli {

namespace {

using nlohmann::ordered_json;

ordered_json json_of(const config::SourcedFigure& figure) {
    return {
        {"value", figure.value},
        {"origin", config::name_of(figure.origin)},
        {"how", figure.how},
        {"source", figure.source},
    };
}

ordered_json json_of(const config::DeviceProfile& device) {
    ordered_json json{
        {"name", device.name},
        {"title", device.title},
        {"ram_bytes", device.ram},
        {"memory_bytes", device.memory},
        {"compute_flop_per_s", json_of(device.compute)},
        {"memory_bandwidth_bytes_per_s", json_of(device.memory_bandwidth)},
    };
    json["storage_bandwidth_bytes_per_s"] =
        device.storage_bandwidth ? json_of(*device.storage_bandwidth) : ordered_json(nullptr);
    return json;
}

ordered_json json_of(const config::NetworkPreset& network) {
    return {
        {"name", network.name},
        {"title", network.title},
        {"bandwidth_bytes_per_s", json_of(network.bandwidth)},
        {"latency_ns", json_of(network.latency)},
    };
}

void print_catalogue_json() {
    ordered_json devices = ordered_json::array();
    for (const config::DeviceProfile& device : config::device_profiles()) {
        devices.push_back(json_of(device));
    }
    ordered_json networks = ordered_json::array();
    for (const config::NetworkPreset& network : config::network_presets()) {
        networks.push_back(json_of(network));
    }
    say(stdout, "{}\n", ordered_json{{"devices", devices}, {"networks", networks}}.dump(2));
}

/// Returns the figure's text with the first letter of its origin: "9.2 GB/s m".
std::string cell(const config::SourcedFigure& figure) {
    return fmt::format("{} {}", figure.written, config::name_of(figure.origin).substr(0, 1));
}

/// Returns the endings of profile names that choose a memory size: "-4gb -1gb -2gb ".
std::string choices_of(const config::DeviceProfile& device) {
    std::string text;
    for (const config::DeviceProfile& other : config::device_profiles()) {
        if (other.variant && other.title == device.title) {
            text += fmt::format("{} ", other.name.substr(device.name.size()));
        }
    }
    return text;
}

void print_devices() {
    constexpr const char* kLine = "{:<23} {:>9} {:>14} {:>12} {:>12}  {:<24} {}\n";
    say(stdout,
        fmt::runtime(kLine),
        "profile",
        "memory",
        "compute",
        "memory bw",
        "storage bw",
        "sizes (default first)",
        "device");
    for (const config::DeviceProfile& device : config::device_profiles()) {
        if (device.variant) {
            continue;
        }
        say(stdout,
            fmt::runtime(kLine),
            device.name,
            format_bytes(device.memory),
            cell(device.compute),
            cell(device.memory_bandwidth),
            device.storage_bandwidth ? cell(*device.storage_bandwidth) : "not known",
            choices_of(device),
            device.title);
    }
}

void print_networks() {
    say(stdout, "\n{:<23} {:>14} {:>12}  {}\n", "preset", "bandwidth", "latency", "network");
    for (const config::NetworkPreset& network : config::network_presets()) {
        say(stdout,
            "{:<23} {:>14} {:>12}  {}\n",
            network.name,
            cell(network.bandwidth),
            cell(network.latency),
            network.title);
    }
}

} // namespace

int inspect_devices(bool json) {
    if (json) {
        print_catalogue_json();
        return 0;
    }
    print_devices();
    print_networks();
    say(stdout,
        "\nm measured, d derived, l limit; memory: what is left for a model; sources: --json, "
        "docs/reference/catalogue.md\nuse: [[device]] profile = \"raspberry-pi-5\"   [network] "
        "preset = \"gigabit-ethernet\"\n");
    return 0;
}

} // namespace headroom::cli
