// Warnings about settings of a scenario that are valid but probably mistakes.
#include <algorithm>
#include <array>
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

/// Returns whether a matrix of the model has this type.
bool has_weights_of(const ModelShape& shape, WeightType type) {
    const auto is_used = [type](const LayerTypes& types) {
        const std::array all{types.q, types.k, types.v, types.o, types.up, types.down};
        return std::ranges::find(all, type) != all.end();
    };
    return shape.embed_type == type || shape.lm_head_type == type ||
           std::ranges::any_of(shape.layer_types, is_used) ||
           (shape.gated && std::ranges::find(shape.layer_types, type, &LayerTypes::gate) !=
                               shape.layer_types.end());
}

/// Warns of rates for a weight type that the model lacks. A profile may have rates for many types.
void warn_of_rates(const Scenario& scenario, std::vector<std::string>& warnings) {
    if (!scenario.shape) {
        return; // the types of a model file are not known yet
    }
    for (const WeightType type : kWeightTypes) {
        std::vector<std::string_view> names;
        for (const DeviceConfig& device : scenario.declared.devices) {
            const bool own =
                device.profile.empty() &&
                std::ranges::find(device.rates, type, &TypeRatesConfig::type) != device.rates.end();
            if (own) {
                names.emplace_back(device.name);
            }
        }
        if (!names.empty() && !has_weights_of(*scenario.shape, type)) {
            warnings.push_back(fmt::format(
                "{}{}: rates.{} has no effect: no weights of the model have that type",
                names.front(),
                names.size() > 1 ? fmt::format(" and {} more", names.size() - 1) : "",
                name_of(type)
            ));
        }
    }
}

/// Warns of a medium that no message can use, or that cannot slow a message down.
void warn_of_network(const FleetConfig& fleet, std::vector<std::string>& warnings) {
    const NetworkConfig& network = fleet.network;
    if (fleet.devices.size() > 1 && network.loss > scheduler::kWhole / 2) {
        warnings.push_back(fmt::format(
            "network.loss is {}: most transmissions fail",
            static_cast<double>(network.loss) / static_cast<double>(scheduler::kWhole)
        ));
    }
    for (std::size_t m = 0; m < network.media.size(); ++m) {
        if (fleet.devices.size() < 2) {
            warnings.push_back(
                fmt::format("network.medium.{}: no message uses it, as there is one device", m)
            );
        }
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
    warn_of_rates(scenario, warnings);
    warn_of_network(scenario.declared, warnings);
    for (std::size_t i = 0; i < scenario.events.size(); ++i) {
        warn_of_event(scenario, i, warnings);
    }
    return warnings;
}

} // namespace headroom::config
