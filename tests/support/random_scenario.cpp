#include "support/random_scenario.hpp"

#include <algorithm>

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

} // namespace

config::Scenario random_scenario(std::uint64_t seed) {
    Random random(stream_seed(seed, "flights test"));
    FleetText text;
    text.model = tiny_model_file();
    text.devices = 1 + static_cast<int>(random.below(6));
    text.source = static_cast<int>(random.below(static_cast<std::uint64_t>(text.devices)));
    text.interval = 1 + static_cast<std::int64_t>(random.below(5));
    if (random.below(3) == 0) {
        text.controller = "granularity = \"sliced\"\nslices = 6\n";
        text.controller += random.below(2) == 0 ? "reduce = \"ring\"\n" : "";
    }
    if (random.below(4) == 0) {
        text.controller += "weights = \"everywhere\"\n";
    }
    config::Scenario scenario = make_scenario(text);
    scenario.seed = seed;
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
