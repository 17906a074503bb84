// Warnings about settings of a scenario that are valid but probably mistakes.
#include <algorithm>
#include <tuple>

#include <fmt/format.h>

#include "config/scenario/event_kinds.hpp"
#include "config/toml/values.hpp"

namespace headroom::config {

namespace {

/// Returns the text "is 1" or "is 1 from 2 s on" if the load ends at 1 and stays there, else "".
std::string all_taken(const LoadConfig& load) {
    if (load.kind == LoadKind::constant && load.constant == scheduler::kWhole) {
        return "is 1";
    }
    if (load.kind == LoadKind::steps && load.values.back() == scheduler::kWhole) {
        const double seconds = static_cast<double>(load.at.back()) / static_cast<double>(kSecond);
        return fmt::format("is 1 from {} s on", seconds);
    }
    return "";
}

void warn_of_loads(const FleetConfig& fleet, std::vector<std::string>& warnings) {
    const auto warn = [&](std::string_view whose, const LoadConfig& load, std::string_view then) {
        if (const std::string taken = all_taken(load); !taken.empty()) {
            warnings.push_back(fmt::format("{} {}: {}", whose, taken, then));
        }
    };
    for (const DeviceConfig& device : fleet.devices) {
        warn(device.name + ": load", device.load, "nothing that it computes would ever end");
        warn(device.name + ": memory_load", device.memory_load, "nothing fits there");
    }
    if (fleet.devices.size() > 1) {
        warn("network.variation", fleet.network.variation, "no message would ever arrive");
    }
}

void warn_of_workload(const WorkloadConfig& workload, std::vector<std::string>& warnings) {
    const auto requests = static_cast<std::int64_t>(workload.requests());
    if (workload.sequences > requests) {
        warnings.push_back(fmt::format(
            "workload.sequences = {}: there {} only {}, so never more are in flight",
            workload.sequences,
            requests == 1 ? "is" : "are",
            count_text(workload.requests(), "request")
        ));
    }
}

/// Returns whether event a comes after event b and changes the same property. Events by time and
/// events by token are compared separately.
bool is_later(const Event& a, const Event& b) {
    const auto target = [](const Event& e) {
        const auto [low, high] = std::minmax(e.from, e.to);
        return std::tuple(e.device, low, high, e.kind, e.at_token >= 0);
    };
    return target(a) == target(b) && std::tuple(a.at, a.at_token) > std::tuple(b.at, b.at_token);
}

void warn_of_event(
    const Scenario& scenario, std::size_t index, std::vector<std::string>& warnings
) {
    const Event& event = scenario.events[index];
    const auto warn = [&](const std::string& text) {
        warnings.push_back(fmt::format("event.{} ({}) {}", index, event.text, text));
    };
    if (const std::int64_t all = scenario.workload.max_tokens_in_all(); event.at_token >= all) {
        warn(fmt::format("never happens: no more than {} tokens are generated", all));
        return;
    }
    const std::string_view consequence = event.kind->consequence_of_zero;
    if (event.factor > scheduler::kWhole && !consequence.empty()) {
        warn("raises it above its first value; a factor of 1 restores that");
    }
    const bool last =
        std::none_of(scenario.events.begin(), scenario.events.end(), [&](const Event& other) {
            return is_later(other, event);
        });
    if (event.factor == 0 && !consequence.empty() && last) {
        warn(fmt::format("is not restored later: {}", consequence));
    }
}

} // namespace

std::vector<std::string> find_warnings(const Scenario& scenario) {
    std::vector<std::string> warnings;
    warn_of_workload(scenario.workload, warnings);
    warn_of_loads(scenario.declared, warnings);
    for (std::size_t i = 0; i < scenario.events.size(); ++i) {
        warn_of_event(scenario, i, warnings);
    }
    return warnings;
}

} // namespace headroom::config
