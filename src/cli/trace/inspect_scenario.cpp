#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "base/units.hpp"
#include "cli/input/scenario_file.hpp"
#include "cli/run/summary_text.hpp"
#include "cli/terminal/screen.hpp"
#include "cli/terminal/text_table.hpp"
#include "cli/trace/inspect_command.hpp"
#include "cli/trace/inspect_scenario_costs.hpp"
#include "cli/trace/inspect_trace_events.hpp"
#include "config/scenario/scenario.hpp"
#include "scheduler/core/fleet.hpp"

namespace headroom::cli {

namespace {

/// Formats a rate in bytes per second, as is usual for memory; links have bits per second.
std::string format_memory_rate(PerSecond bytes_per_s) {
    const auto rate = static_cast<double>(bytes_per_s);
    return bytes_per_s == kUnlimited ? "unlimited"
           : rate >= 1e9             ? fmt::format("{:.3g} GB/s", rate / 1e9)
                                     : fmt::format("{:.3g} MB/s", rate / 1e6);
}

/// Returns the rate, or null if it is unlimited.
nlohmann::json limit(PerSecond rate) {
    return rate == kUnlimited ? nlohmann::json() : nlohmann::json(rate);
}

std::string device_table(const config::Scenario& scenario) {
    // The spaces in the headers make room for usual figures.
    TextTable table({"device", "     compute", "    memory", "memory bandwidth", ""});
    for (std::size_t d = 0; d < scenario.fleet.size(); ++d) {
        const scheduler::DeviceSpec& device = scenario.fleet.devices[d];
        table.add(
            {device.name,
             format_compute_rate(at_start(device.compute)),
             format_bytes(at_start(device.memory)),
             format_memory_rate(at_start(device.memory_bandwidth)),
             scenario.fleet.source == DeviceId(d) ? "source" : ""}
        );
    }
    return table.text();
}

const std::string& name_at(const config::Scenario& scenario, DeviceId device) {
    return scenario.fleet.devices[device.index()].name;
}

struct LinkFigures {
    PerSecond bandwidth;
    Nanoseconds latency;
};

LinkFigures figures(const config::Scenario& scenario, const config::LinkConfig& link) {
    const scheduler::LinkSpec& spec = scenario.fleet.network.link(link.from, link.to);
    return {at_start(spec.bandwidth), at_start(spec.latency)};
}

/// Returns the network's default link after scaling, without its variation.
LinkFigures standard_link(const config::Scenario& scenario) {
    const config::NetworkConfig& network = scenario.declared.network;
    const config::ScaleConfig& scales = scenario.declared.scales;
    const auto scaled = [](std::int64_t value, double scale) {
        return static_cast<std::int64_t>(static_cast<double>(value) * scale);
    };
    return {
        network.bandwidth == kUnlimited ? kUnlimited : scaled(network.bandwidth, scales.bandwidth),
        scaled(network.latency, scales.latency)};
}

std::string link_text(const LinkFigures& link) {
    return fmt::format("{}, {}", format_byte_rate(link.bandwidth), format_duration(link.latency));
}

std::string network_text(const config::Scenario& scenario) {
    if (scenario.fleet.size() < 2) {
        return "";
    }
    const std::vector<config::LinkConfig>& links = scenario.declared.network.links;
    std::string text = fmt::format(
        "\n  network: {} between every two devices{}\n",
        link_text(standard_link(scenario)),
        links.empty() ? "" : ", but"
    );
    for (const config::LinkConfig& link : links) {
        const auto back = std::find_if(links.begin(), links.end(), [&](const auto& other) {
            return other.from == link.to && other.to == link.from;
        });
        const std::string shown = link_text(figures(scenario, link));
        const bool both = back != links.end() && link_text(figures(scenario, *back)) == shown;
        if (both && link.to < link.from) {
            continue; // the line of the other direction shows both
        }
        text += fmt::format(
            "    {} {} {}: {}\n",
            name_at(scenario, link.from),
            both ? "<->" : "->",
            name_at(scenario, link.to),
            shown
        );
    }
    return text + network_costs_text(scenario);
}

std::string event_list(const config::Scenario& scenario) {
    if (scenario.events.empty()) {
        return "";
    }
    std::string text = "\n  events:\n";
    for (const config::Event& event : scenario.events) {
        text += fmt::format("    {}\n", event.text);
    }
    return text;
}

nlohmann::json devices_json(const config::Scenario& scenario) {
    nlohmann::json devices = nlohmann::json::array();
    for (std::size_t d = 0; d < scenario.fleet.size(); ++d) {
        const scheduler::DeviceSpec& device = scenario.fleet.devices[d];
        devices.push_back(
            {{"name", device.name},
             {"compute_flop_per_s", at_start(device.compute)},
             {"memory_bytes", at_start(device.memory)},
             {"memory_bandwidth_bytes_per_s", limit(at_start(device.memory_bandwidth))},
             {"source", scenario.fleet.source == DeviceId(d)}}
        );
        add_device_costs(device, devices.back());
    }
    return devices;
}

nlohmann::json link_json(const LinkFigures& link) {
    return {{"bandwidth_bytes_per_s", limit(link.bandwidth)}, {"latency_ns", link.latency}};
}

nlohmann::json network_json(const config::Scenario& scenario) {
    nlohmann::json network = link_json(standard_link(scenario));
    network["links"] = nlohmann::json::array();
    for (const config::LinkConfig& link : scenario.declared.network.links) {
        nlohmann::json object = link_json(figures(scenario, link));
        object["from"] = name_at(scenario, link.from);
        object["to"] = name_at(scenario, link.to);
        network["links"].push_back(object);
    }
    add_network_costs(scenario, network);
    return network;
}

/// Returns the token limits of the prompts: "48, 32, 64", or "32 to 64" if they are many.
std::string tokens_text(const config::WorkloadConfig& workload) {
    const std::vector<std::int64_t>& each = workload.tokens_each;
    constexpr std::size_t kShown = 8;
    if (each.empty()) {
        return fmt::format("{}", workload.tokens);
    }
    const auto [least, most] = std::minmax_element(each.begin(), each.end());
    if (*least == *most) {
        return fmt::format("{}", *most);
    }
    return each.size() <= kShown ? fmt::format("{}", fmt::join(each, ", "))
                                 : fmt::format("{} to {}", *least, *most);
}

/// Returns "arrive at once", or "arrive from 59.1 ms to 1.59 s" and how the times were drawn.
std::string arrivals_text(const config::Scenario& scenario) {
    using Kind = config::ArrivalsConfig::Kind;
    const config::ArrivalsConfig& arrivals = scenario.workload.arrivals;
    if (arrivals.kind == Kind::at_once) {
        return "arrive at once";
    }
    const std::vector<Nanoseconds> times = config::arrival_times(scenario);
    return fmt::format(
        "arrive from {} to {}{}",
        format_duration(times.front()),
        format_duration(times.back()),
        arrivals.kind == Kind::poisson
            ? fmt::format(" (Poisson, {:.4g} per second)", arrivals.per_second)
            : ""
    );
}

std::string prefill_text(std::int64_t chunk) {
    return chunk == 0 ? "prompts whole" : fmt::format("prompts in chunks of {} tokens", chunk);
}

/// Returns the text about requests and batches, or "" for a single request.
std::string requests_text(const config::Scenario& scenario) {
    const config::WorkloadConfig& workload = scenario.workload;
    if (workload.requests() == 1) {
        return "";
    }
    const std::string arrive =
        fmt::format("  {} requests {}", workload.requests(), arrivals_text(scenario));
    if (workload.slots() == 1) {
        return fmt::format("{}, decoded one after the other\n", arrive);
    }
    const std::int64_t batch = scenario.controller.batch;
    return fmt::format(
        "{}, up to {} in flight, {}\n  objective {}, batch {}\n",
        arrive,
        workload.slots(),
        prefill_text(workload.prefill_chunk),
        config::name_of(scenario.controller.objective),
        batch == 0 ? "auto" : fmt::format("{}", batch)
    );
}

nlohmann::json workload_json(const config::Scenario& scenario) {
    const config::WorkloadConfig& workload = scenario.workload;
    const std::vector<Nanoseconds> arrivals = config::arrival_times(scenario);
    nlohmann::json tokens = nlohmann::json::array();
    for (std::size_t prompt = 0; prompt < workload.distinct_prompts(); ++prompt) {
        tokens.push_back(workload.max_tokens_of(prompt));
    }
    return {
        {"requests", workload.requests()},
        {"prompts", workload.distinct_prompts()},
        {"tokens_per_prompt", tokens},
        {"tokens_in_all", workload.max_tokens_in_all()},
        {"sequences", workload.sequences},
        {"in_flight_at_most", workload.slots()},
        {"prefill_chunk",
         workload.prefill_chunk == 0 ? nlohmann::json() : nlohmann::json(workload.prefill_chunk)},
        {"first_arrival_ns", arrivals.front()},
        {"last_arrival_ns", arrivals.back()},
    };
}

nlohmann::json events_json(const config::Scenario& scenario) {
    nlohmann::json events = nlohmann::json::array();
    for (const config::Event& event : scenario.events) {
        events.push_back(event_json(event));
    }
    return events;
}

} // namespace

int inspect_scenario(const InspectCommand& command) {
    const config::Scenario scenario = read_scenario(command.file, {});
    if (command.json) {
        const std::int64_t batch = scenario.controller.batch;
        print_json(
            {{"name", scenario.name},
             {"seed", scenario.seed},
             {"model", scenario.model_name()},
             {"tokens", scenario.workload.tokens},
             {"workload", workload_json(scenario)},
             {"policy", scheduler::name_of(scenario.controller.policy)},
             {"interval", scenario.controller.interval},
             {"objective", config::name_of(scenario.controller.objective)},
             {"batch", batch == 0 ? nlohmann::json("auto") : nlohmann::json(batch)},
             {"clock", config::name_of(scenario.clock.mode)},
             {"devices", devices_json(scenario)},
             {"network", network_json(scenario)},
             {"events", events_json(scenario)},
             {"resolved", config::resolved_text(scenario)}}
        );
        return 0;
    }
    say(stdout,
        "scenario {}: {} devices, policy {}, a decision every {} {}, at most {} tokens{}, {} "
        "clock\n  model {}\n{}\n",
        command.file.string(),
        scenario.fleet.size(),
        scheduler::name_of(scenario.controller.policy),
        scenario.controller.interval,
        scenario.workload.slots() > 1 ? "rounds" : "tokens",
        tokens_text(scenario.workload),
        scenario.workload.requests() > 1 ? " per request" : "",
        config::name_of(scenario.clock.mode),
        scenario.model_name(),
        requests_text(scenario));
    say(stdout, "{}{}", device_table(scenario), device_costs_table(scenario));
    say(stdout, "{}{}", network_text(scenario), event_list(scenario));
    say(stdout,
        "\n(after scaling, at time 0; the whole scenario with every default spelled out:)\n\n{}",
        config::resolved_text(scenario));
    return 0;
}

} // namespace headroom::cli
