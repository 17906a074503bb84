#include "support/random_scenario.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include "base/random.hpp"
#include "support/fleet_run.hpp"
#include "support/random_prompt.hpp"
#include "support/tiny_model.hpp"

namespace headroom::support {

namespace {

void choose_arrivals(Random& random, config::WorkloadConfig& workload) {
    using Kind = config::ArrivalsConfig::Kind;
    switch (random.below(3)) {
    case 0:
        workload.arrivals.kind = Kind::at_once;
        return;
    case 1:
        workload.arrivals.kind = Kind::poisson;
        workload.arrivals.per_second = 1 + 100 * random.unit();
        return;
    default:
        workload.arrivals.kind = Kind::given;
        Nanoseconds at = 0;
        for (std::size_t i = 0; i < workload.requests(); ++i) {
            at += static_cast<Nanoseconds>(random.below(3) == 0 ? random.below(400'000'000) : 0);
            workload.arrivals.at.push_back(at);
        }
    }
}

/// Returns a duration from 0 to `most` that is 0 in a third of all cases.
Nanoseconds maybe_duration(Random& random, Nanoseconds most) {
    return random.below(3) == 0
               ? 0
               : static_cast<Nanoseconds>(random.below(static_cast<std::uint64_t>(most) + 1));
}

/// Returns nothing or the rate times a factor between 1/4 and 4.
std::optional<PerSecond> maybe_rate(Random& random, PerSecond rate) {
    if (random.below(3) == 0) {
        return std::nullopt;
    }
    return rate / 4 +
           static_cast<PerSecond>(random.below(static_cast<std::uint64_t>(rate) * 15 / 4));
}

void choose_costs(Random& random, config::DeviceConfig& device) {
    device.operation_overhead = maybe_duration(random, 200'000);
    device.message_overhead = maybe_duration(random, 500'000);
    for (const WeightType type : kWeightTypes) {
        if (random.below(2) == 0) {
            const PerSecond memory = device.memory_bandwidth;
            device.rates.push_back(
                {type,
                 maybe_rate(random, device.compute),
                 maybe_rate(random, memory == kUnlimited ? device.compute : memory),
                 maybe_rate(random, 2 * device.compute)}
            );
        }
    }
}

void choose_jitter(Random& random, config::JitterConfig& jitter) {
    using config::LoadKind;
    const std::array kinds{LoadKind::constant, LoadKind::uniform, LoadKind::walk};
    jitter.kind = kinds.at(random.below(kinds.size()));
    if (jitter.kind == LoadKind::constant) {
        return;
    }
    jitter.low = maybe_duration(random, 300'000);
    jitter.high = jitter.low + 1'000 + maybe_duration(random, 2'000'000);
    if (jitter.kind == LoadKind::walk) {
        jitter.step = 1 + (jitter.high - jitter.low) / 3;
        jitter.period = 1'000'000 + maybe_duration(random, 20'000'000);
    }
}

/// Divides about three quarters of the devices among one or two media.
std::vector<config::MediumConfig> choose_media(Random& random, std::size_t devices) {
    std::vector<config::MediumConfig> media(random.below(3));
    for (config::MediumConfig& medium : media) {
        medium.capacity = 500'000 + static_cast<PerSecond>(random.below(20'000'000));
    }
    for (std::size_t d = 0; d < devices && !media.empty(); ++d) {
        if (random.below(4) != 0) {
            media[random.below(media.size())].members.emplace_back(d);
        }
    }
    return media;
}

} // namespace

void add_random_costs(config::Scenario& scenario, std::uint64_t seed) {
    config::FleetConfig& fleet = scenario.declared;
    Random random(stream_seed(seed, "costs of a random scenario"));
    for (config::DeviceConfig& device : fleet.devices) {
        choose_costs(random, device);
    }
    config::NetworkConfig& network = fleet.network;
    choose_jitter(random, network.jitter);
    if (random.below(2) == 0) {
        network.loss = static_cast<scheduler::Ppb>(random.below(400'000'000));
        network.retransmit_timeout = 1 + maybe_duration(random, 5'000'000);
    }
    network.media = choose_media(random, fleet.devices.size());
    scenario.fleet = config::build_fleet(fleet, scenario.events, scenario.seed);
}

config::Scenario random_scenario(std::uint64_t seed) {
    Random random(stream_seed(seed, "flights test"));
    FleetText text;
    text.model = tiny_model_file();
    text.devices = 1 + static_cast<int>(random.below(6));
    text.source = static_cast<int>(random.below(static_cast<std::uint64_t>(text.devices)));
    text.interval = 1 + static_cast<std::int64_t>(random.below(5));
    if (random.below(3) == 0) {
        text.controller = "granularity = \"sliced\"\nslices = 6\n";
        if (random.below(2) == 0) {
            text.controller += "reduce = \"ring\"\n";
            text.policy = "galaxy"; // the only policy that allows a ring
        }
    }
    if (random.below(4) == 0) {
        text.controller += "weights = \"everywhere\"\n";
    }
    config::Scenario scenario = make_scenario(text);
    scenario.seed = seed;
    if (seed % 3 != 0) {
        add_random_costs(scenario, seed);
    }
    config::WorkloadConfig& workload = scenario.workload;
    workload.prompts.clear();
    for (std::uint64_t n = 1 + random.below(5); n > 0; --n) {
        workload.prompts.push_back(random_prompt(random));
        workload.tokens_each.push_back(1 + static_cast<std::int64_t>(random.below(12)));
    }
    workload.tokens = *std::ranges::max_element(workload.tokens_each);
    workload.repeat = 1 + static_cast<std::int64_t>(random.below(3));
    workload.sequences = 1 + static_cast<std::int64_t>(random.below(6));
    workload.prefill_chunk =
        random.below(2) == 0 ? 0 : 1 + static_cast<std::int64_t>(random.below(20));
    choose_arrivals(random, workload);
    workload.stop_at_eos = true;
    workload.temperature = random.below(3) == 0 ? 0 : 0.5 + 3 * random.unit();
    scenario.controller.batch =
        static_cast<std::int64_t>(random.below(2)) *
        std::min<std::int64_t>(workload.slots(), static_cast<std::int64_t>(1 + random.below(3)));
    scenario.controller.objective =
        random.below(2) == 0 ? scheduler::Aim::latency : scheduler::Aim::throughput;
    const auto token = static_cast<std::int64_t>(1 + random.below(20));
    scenario.fleet.devices[0].compute.changes.push_back({-1, token, 200'000'000});
    scenario.fleet.devices[0].memory.changes.push_back({-1, token, 5'000'000});
    if (random.below(2) == 0) {
        for (scheduler::DeviceSpec& device : scenario.fleet.devices) {
            device.egress.base = 2'000'000;
            device.ingress.base = 1'500'000;
        }
    }
    return scenario;
}

} // namespace headroom::support
