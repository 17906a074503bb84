#include "cli/trace/inspect_scenario_costs.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/units.hpp"
#include "cli/terminal/text_table.hpp"
#include "scheduler/core/fleet.hpp"

namespace headroom::cli {

namespace {

using Rates = scheduler::TypeRates<scheduler::Profile>;

/// Returns the rate, or null if it is unlimited.
nlohmann::json limit(const scheduler::Profile& rate) {
    return rate.unlimited() ? nlohmann::json() : nlohmann::json(at_start(rate));
}

bool has_costs(const scheduler::DeviceSpec& device) {
    return !device.egress.unlimited() || !device.ingress.unlimited() || !device.rates.empty() ||
           device.operation_overhead > 0 || device.message_overhead > 0;
}

std::string rate_or_dash(const scheduler::Profile& rate) {
    return rate.unlimited() ? "-" : format_byte_rate(at_start(rate));
}

std::string overhead_or_dash(Nanoseconds overhead) {
    return overhead == 0 ? "-" : format_duration(overhead);
}

/// Returns a rate in units of 10⁹ per second with three digits.
std::string giga(const scheduler::Profile& rate) {
    return rate.unlimited() ? "-"
                            : fmt::format("{:.3g}", static_cast<double>(at_start(rate)) / 1e9);
}

/// Returns the rates of all weight types: "q8_0 12/8/12, q4_0 11/8/38".
std::string rates_text(const std::vector<Rates>& all) {
    std::vector<std::string> texts;
    for (const Rates& rates : all) {
        texts.push_back(fmt::format(
            "{} {}/{}/{}",
            name_of(rates.type),
            giga(rates.compute),
            giga(rates.memory_bandwidth),
            giga(rates.prefill_compute)
        ));
    }
    return texts.empty() ? "-" : fmt::format("{}", fmt::join(texts, ", "));
}

/// Returns the names of the devices: "all devices", or the first ones.
std::string members_text(const config::Scenario& scenario, const config::MediumConfig& medium) {
    constexpr std::size_t kShown = 8;
    if (medium.members.size() == scenario.fleet.size()) {
        return "all devices";
    }
    std::vector<std::string> names;
    for (std::size_t i = 0; i < std::min(kShown, medium.members.size()); ++i) {
        names.push_back(scenario.fleet.devices[medium.members[i].index()].name);
    }
    if (medium.members.size() > kShown) {
        names.push_back(fmt::format("{} more", medium.members.size() - kShown));
    }
    return fmt::format("{}", fmt::join(names, ", "));
}

/// Returns a duration of [network] after scaling.
Nanoseconds scaled_latency(const config::Scenario& scenario, Nanoseconds duration) {
    return static_cast<Nanoseconds>(
        static_cast<double>(duration) * scenario.declared.scales.latency
    );
}

} // namespace

std::string device_costs_table(const config::Scenario& scenario) {
    TextTable table(
        {"device", "egress", "ingress", "per stage", "per message", "GFLOP/s / GB/s / prefill"}
    );
    bool any = false;
    for (const scheduler::DeviceSpec& device : scenario.fleet.devices) {
        if (has_costs(device)) {
            any = true;
            table.add(
                {device.name,
                 rate_or_dash(device.egress),
                 rate_or_dash(device.ingress),
                 overhead_or_dash(device.operation_overhead),
                 overhead_or_dash(device.message_overhead),
                 rates_text(device.rates)}
            );
        }
    }
    return any ? fmt::format("\n{}", table.text()) : "";
}

std::string network_costs_text(const config::Scenario& scenario) {
    const config::NetworkConfig& network = scenario.declared.network;
    std::string text;
    if (network.loss > 0) {
        text += fmt::format(
            "    loss: {} of all transmissions, sent again after {}\n",
            static_cast<double>(network.loss) / static_cast<double>(scheduler::kWhole),
            format_duration(scaled_latency(scenario, network.retransmit_timeout))
        );
    }
    if (network.jitter.kind != config::LoadKind::constant) {
        text += fmt::format(
            "    jitter: {}, {} to {}\n",
            config::name_of(network.jitter.kind),
            format_duration(scaled_latency(scenario, network.jitter.low)),
            format_duration(scaled_latency(scenario, network.jitter.high))
        );
    }
    for (std::size_t m = 0; m < network.media.size(); ++m) {
        text += fmt::format(
            "    medium of {}, shared by {}\n",
            format_byte_rate(at_start(scenario.fleet.media[m])),
            members_text(scenario, network.media[m])
        );
    }
    return text;
}

void add_device_costs(const scheduler::DeviceSpec& device, nlohmann::json& json) {
    json["egress_bytes_per_s"] = limit(device.egress);
    json["ingress_bytes_per_s"] = limit(device.ingress);
    json["operation_overhead_ns"] = device.operation_overhead;
    json["message_overhead_ns"] = device.message_overhead;
    json["medium"] =
        device.medium == scheduler::kNoMedium ? nlohmann::json() : nlohmann::json(device.medium);
    json["rates"] = nlohmann::json::object();
    for (const Rates& rates : device.rates) {
        json["rates"][std::string(name_of(rates.type))] = {
            {"compute_flop_per_s", at_start(rates.compute)},
            {"memory_bandwidth_bytes_per_s", limit(rates.memory_bandwidth)},
            {"prefill_compute_flop_per_s", at_start(rates.prefill_compute)},
        };
    }
}

void add_network_costs(const config::Scenario& scenario, nlohmann::json& json) {
    const config::NetworkConfig& network = scenario.declared.network;
    json["loss"] = static_cast<double>(network.loss) / static_cast<double>(scheduler::kWhole);
    json["retransmit_timeout_ns"] = scaled_latency(scenario, network.retransmit_timeout);
    json["jitter"] = nullptr;
    if (network.jitter.kind != config::LoadKind::constant) {
        json["jitter"] = {
            {"kind", config::name_of(network.jitter.kind)},
            {"low_ns", scaled_latency(scenario, network.jitter.low)},
            {"high_ns", scaled_latency(scenario, network.jitter.high)},
        };
    }
    json["media"] = nlohmann::json::array();
    for (std::size_t m = 0; m < network.media.size(); ++m) {
        nlohmann::json members = nlohmann::json::array();
        for (const DeviceId member : network.media[m].members) {
            members.push_back(scenario.fleet.devices[member.index()].name);
        }
        json["media"].push_back(
            {{"members", members}, {"capacity_bytes_per_s", at_start(scenario.fleet.media[m])}}
        );
    }
}

} // namespace headroom::cli
