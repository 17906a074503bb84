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
    ordered_json json{
        {"value", figure.value},
        {"origin", config::name_of(figure.origin)},
        {"how", figure.how},
        {"source", figure.source},
    };
    if (!figure.fitted_with.empty()) {
        json["fitted_with"] = figure.fitted_with;
    }
    if (!figure.note.empty()) {
        json["note"] = figure.note;
    }
    return json;
}

/// Returns the figure, or null if there is none.
ordered_json json_of(const std::optional<config::SourcedFigure>& figure) {
    return figure ? json_of(*figure) : ordered_json(nullptr);
}

ordered_json rates_json(const config::DeviceProfile& device) {
    ordered_json json = ordered_json::object();
    for (const config::ProfileRates& rates : device.rates) {
        json[std::string(name_of(rates.type))] = {
            {"compute_flop_per_s", json_of(rates.compute)},
            {"memory_bandwidth_bytes_per_s", json_of(rates.memory_bandwidth)},
            {"prefill_compute_flop_per_s", json_of(rates.prefill_compute)},
        };
    }
    return json;
}

ordered_json json_of(const config::DeviceProfile& device) {
    return {
        {"name", device.name},
        {"title", device.title},
        {"ram_bytes", device.ram},
        {"memory_bytes", device.memory},
        {"compute_flop_per_s", json_of(device.compute)},
        {"memory_bandwidth_bytes_per_s", json_of(device.memory_bandwidth)},
        {"storage_bandwidth_bytes_per_s", json_of(device.storage_bandwidth)},
        {"rates", rates_json(device)},
        {"operation_overhead_ns", json_of(device.operation_overhead)},
        {"message_overhead_ns", json_of(device.message_overhead)},
    };
}

ordered_json json_of(const config::NetworkPreset& network) {
    return {
        {"name", network.name},
        {"title", network.title},
        {"bandwidth_bytes_per_s", json_of(network.bandwidth)},
        {"latency_ns", json_of(network.latency)},
        {"nic_bytes_per_s", json_of(network.nic)},
        {"medium_bytes_per_s", json_of(network.medium)},
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

/// Returns the number in units of 10⁹ per second, or "-" if there is no figure.
std::string giga(const std::optional<config::SourcedFigure>& figure) {
    return figure ? fmt::format("{:.3g}", static_cast<double>(figure->value) / 1e9) : "-";
}

/// Returns the rates of all weight types: "q8_0 12/-/40 q4_0 11/8/38".
std::string rates_text(const config::DeviceProfile& device) {
    std::string text;
    for (const config::ProfileRates& rates : device.rates) {
        text += fmt::format(
            "{}{} {}/{}/{}",
            text.empty() ? "" : ", ",
            name_of(rates.type),
            giga(rates.compute),
            giga(rates.memory_bandwidth),
            giga(rates.prefill_compute)
        );
    }
    return text.empty() ? "-" : text;
}

bool has_costs(const config::DeviceProfile& device) {
    return !device.rates.empty() || device.operation_overhead || device.message_overhead;
}

/// Prints the overheads and the rates of weight types of the devices that have some.
void print_costs() {
    bool any = false;
    for (const config::DeviceProfile& device : config::device_profiles()) {
        if (device.variant || !has_costs(device)) {
            continue;
        }
        if (!any) {
            say(stdout,
                "\n{:<23} {:>11} {:>11}  {}\n",
                "profile",
                "operation",
                "message",
                "weight types: GFLOP/s / GB/s / prefill GFLOP/s");
        }
        any = true;
        const auto overhead = [](const std::optional<config::SourcedFigure>& figure) {
            return figure ? cell(*figure) : "-";
        };
        say(stdout,
            "{:<23} {:>11} {:>11}  {}\n",
            device.name,
            overhead(device.operation_overhead),
            overhead(device.message_overhead),
            rates_text(device));
    }
}

void print_networks() {
    constexpr const char* kLine = "{:<23} {:>14} {:>12} {:>14} {:>14}  {}\n";
    say(stdout,
        fmt::runtime(fmt::format("\n{}", kLine)),
        "preset",
        "bandwidth",
        "latency",
        "per device",
        "medium",
        "network");
    for (const config::NetworkPreset& network : config::network_presets()) {
        say(stdout,
            fmt::runtime(kLine),
            network.name,
            cell(network.bandwidth),
            cell(network.latency),
            network.nic ? cell(*network.nic) : "-",
            network.medium ? cell(*network.medium) : "-",
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
    print_costs();
    print_networks();
    say(stdout,
        "\nm measured, d derived, p published, f fitted, l limit; memory: what is left for a "
        "model; "
        "sources: --json, docs/reference/catalogue.md\nuse: [[device]] profile = "
        "\"raspberry-pi-5\"   [network] "
        "preset = \"gigabit-ethernet\"\n");
    return 0;
}

} // namespace headroom::cli
