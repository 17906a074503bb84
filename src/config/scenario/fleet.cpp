// Builds the profiles of a fleet from its declaration, scales, loads and events. The values have
// been checked by the reader, so a failed check here is a bug of the program.
#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "base/check.hpp"
#include "base/int128.hpp"
#include "base/random.hpp"
#include "config/scenario/event_kinds.hpp"
#include "config/toml/exact.hpp"

namespace headroom::config {

namespace {

using scheduler::Load;
using scheduler::Profile;
using scheduler::Ratio;
using Pair = std::pair<DeviceId, DeviceId>;

Ratio exact(double scale) {
    const std::optional<Ratio> ratio = decimal_ratio(scale);
    HEADROOM_CHECK(ratio, "scale {}", scale);
    return *ratio;
}

Load make_load(const LoadConfig& config, std::uint64_t stream) {
    switch (config.kind) {
    case LoadKind::constant:
        return config.constant == 0 ? Load() : Load::constant(config.constant);
    case LoadKind::steps: {
        std::vector<Load::Step> steps;
        for (std::size_t i = 0; i < config.at.size(); ++i) {
            steps.push_back({config.at[i], config.values[i]});
        }
        return Load::steps(std::move(steps));
    }
    case LoadKind::uniform:
        return Load::uniform(config.low, config.high, config.period, stream);
    case LoadKind::walk:
        return Load::walk(config.low, config.high, config.step, config.period, stream);
    }
    HEADROOM_CHECK(false, "load kind {}", static_cast<int>(config.kind));
    return {};
}

/// Returns the quotient of a duration and a scale, rounded to the nanosecond.
Nanoseconds divided(Nanoseconds duration, Ratio scale) {
    const Int128 numerator = Int128{duration} * scale.denominator;
    return static_cast<Nanoseconds>((numerator + scale.numerator / 2) / scale.numerator);
}

Profile make_profile(std::int64_t base, Ratio scale, Load load = {}) {
    return {.base = base, .scale = scale, .load = std::move(load), .changes = {}};
}

scheduler::DeviceSpec make_device(
    const DeviceConfig& config, const ScaleConfig& scales, std::uint64_t seed, std::uint64_t index
) {
    const Ratio compute = exact(scales.compute);
    const Ratio bandwidth = exact(scales.bandwidth);
    scheduler::DeviceSpec spec;
    spec.name = config.name;
    spec.compute = make_profile(
        config.compute, compute, make_load(config.load, stream_seed(seed, "compute load", index))
    );
    spec.memory = make_profile(
        config.memory,
        exact(scales.memory),
        make_load(config.memory_load, stream_seed(seed, "memory load", index))
    );
    spec.memory_bandwidth = make_profile(config.memory_bandwidth, compute);
    for (const TypeRatesConfig& rates : config.rates) {
        const PerSecond own = rates.compute.value_or(config.compute);
        spec.rates.push_back(
            {rates.type,
             make_profile(own, compute, spec.compute.load),
             make_profile(rates.memory_bandwidth.value_or(config.memory_bandwidth), compute),
             make_profile(rates.prefill_compute.value_or(own), compute, spec.compute.load)}
        );
    }
    spec.operation_overhead = divided(config.operation_overhead, compute);
    spec.message_overhead = divided(config.message_overhead, compute);
    spec.storage_bandwidth = make_profile(config.storage_bandwidth.value_or(kUnlimited), compute);
    spec.has_storage = config.storage_bandwidth.has_value();
    spec.egress = make_profile(config.egress, bandwidth);
    spec.ingress = make_profile(config.ingress, bandwidth);
    return spec;
}

void add_change(Profile& profile, const Event& event) {
    const auto key = [](const scheduler::Change& c) { return std::tuple(c.at, c.at_token); };
    const scheduler::Change change{event.at, event.at_token, event.factor};
    const auto place = std::ranges::upper_bound(profile.changes, key(change), {}, key);
    profile.changes.insert(place, change);
}

/// Adds a change to a rate of the device, and to the rates of weight types that go with it.
void add_device_change(scheduler::DeviceSpec& device, const Event& event) {
    const auto member = event.kind->of_device;
    add_change(device.*member, event);
    for (scheduler::TypeRates<Profile>& rates : device.rates) {
        if (member == &scheduler::DeviceSpec::compute) {
            add_change(rates.compute, event);
            add_change(rates.prefill_compute, event);
        } else if (member == &scheduler::DeviceSpec::memory_bandwidth) {
            add_change(rates.memory_bandwidth, event);
        }
    }
}

/// Returns how the messages of each link vary. What is drawn for a message depends on its link.
scheduler::LinkVariation make_variation(
    const NetworkConfig& network, Ratio latency, std::uint64_t seed
) {
    const auto scaled = [latency](Nanoseconds duration) {
        return make_profile(duration, latency).at(0, 0).value;
    };
    const JitterConfig& jitter = network.jitter;
    scheduler::LinkVariation variation;
    if (jitter.kind == LoadKind::uniform) {
        variation.jitter_low = scaled(jitter.low);
        variation.jitter_high = scaled(jitter.high);
    }
    variation.jitter_mean = scaled(jitter.low + (jitter.high - jitter.low) / 2);
    variation.loss = network.loss;
    variation.retransmit_timeout = scaled(network.retransmit_timeout);
    variation.stream = stream_seed(seed, "delivery");
    return variation;
}

/// Returns the jitter of a link as a value over time, if it is a walk.
Profile make_jitter(const JitterConfig& jitter, Ratio latency, std::uint64_t stream) {
    if (jitter.kind != LoadKind::walk || jitter.high == 0) {
        return make_profile(0, latency);
    }
    // The walk is a load on the highest value: (1 - load) * high is between low and high.
    const auto fraction = [&jitter](Nanoseconds part) {
        return static_cast<scheduler::Ppb>(Int128{part} * scheduler::kWhole / jitter.high);
    };
    return make_profile(
        jitter.high,
        latency,
        Load::walk(
            0, fraction(jitter.high - jitter.low), fraction(jitter.step), jitter.period, stream
        )
    );
}

/// Returns the links that differ from the network's default, have events, or have a random load of
/// their own.
std::map<Pair, LinkConfig> own_links(
    const FleetConfig& declared, const std::vector<Event>& events
) {
    const NetworkConfig& network = declared.network;
    std::map<Pair, LinkConfig> links;
    const auto add_default = [&](DeviceId from, DeviceId to) {
        links.try_emplace({from, to}, LinkConfig{from, to, network.bandwidth, network.latency});
    };
    for (const LinkConfig& link : network.links) {
        links.insert_or_assign({link.from, link.to}, link);
    }
    for (const Event& event : events) {
        if (event.from.valid()) {
            add_default(event.from, event.to);
            add_default(event.to, event.from);
        }
    }
    const bool all_differ = network.variation.is_random() || network.jitter.kind == LoadKind::walk;
    const std::size_t devices = all_differ ? declared.devices.size() : 0;
    for (std::size_t from = 0; from < devices; ++from) {
        for (std::size_t to = 0; to < devices; ++to) {
            if (from != to) {
                add_default(DeviceId(from), DeviceId(to));
            }
        }
    }
    return links;
}

scheduler::Network make_network(
    const FleetConfig& declared, const std::vector<Event>& events, std::uint64_t seed
) {
    const NetworkConfig& config = declared.network;
    const Ratio bandwidth = exact(declared.scales.bandwidth);
    const Ratio latency = exact(declared.scales.latency);
    // With random loads every link has its own specification, so the default needs no load.
    const LoadConfig shared = config.variation.is_random() ? LoadConfig{} : config.variation;
    const scheduler::LinkVariation variation = make_variation(config, latency, seed);
    scheduler::Network network({
        .bandwidth = make_profile(config.bandwidth, bandwidth, make_load(shared, 0)),
        .latency = make_profile(config.latency, latency),
        .variation = variation,
    });
    std::map<Pair, scheduler::LinkSpec> specs;
    for (const auto& [pair, link] : own_links(declared, events)) {
        const auto from = static_cast<std::uint64_t>(pair.first.index());
        const auto to = static_cast<std::uint64_t>(pair.second.index());
        Load load = make_load(config.variation, stream_seed(seed, "link", from, to));
        specs[pair] = {
            .bandwidth = make_profile(link.bandwidth, bandwidth, std::move(load)),
            .latency = make_profile(link.latency, latency),
            .jitter = make_jitter(config.jitter, latency, stream_seed(seed, "jitter", from, to)),
            .variation = variation,
        };
    }
    for (const Event& event : events) {
        if (event.from.valid()) {
            for (const Pair& pair : {Pair(event.from, event.to), Pair(event.to, event.from)}) {
                scheduler::LinkSpec& spec = specs.at(pair);
                add_change(spec.*event.kind->of_link, event);
            }
        }
    }
    for (auto& [pair, spec] : specs) {
        network.set(pair.first, pair.second, std::move(spec));
    }
    return network;
}

} // namespace

scheduler::Fleet build_fleet(
    const FleetConfig& declared, const std::vector<Event>& events, std::uint64_t seed
) {
    scheduler::Fleet fleet;
    fleet.source = declared.source;
    fleet.devices.reserve(declared.devices.size());
    for (const DeviceConfig& device : declared.devices) {
        fleet.devices.push_back(make_device(device, declared.scales, seed, fleet.devices.size()));
    }
    for (const Event& event : events) {
        if (event.device.valid()) {
            add_device_change(fleet.devices[event.device.index()], event);
        }
    }
    for (const MediumConfig& medium : declared.network.media) {
        for (const DeviceId member : medium.members) {
            fleet.devices[member.index()].medium = static_cast<std::int32_t>(fleet.media.size());
        }
        fleet.media.push_back(make_profile(medium.capacity, exact(declared.scales.bandwidth)));
    }
    fleet.network = make_network(declared, events, seed);
    return fleet;
}

} // namespace headroom::config
