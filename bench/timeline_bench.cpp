// What walking one decode turn costs: `simulate` and `replay` pay it per token, a policy without a
// closed form per candidate. Every block on a random device (all messages that there can be), and
// planted placements' opposite, all on one.
#include <string>

#include <benchmark/benchmark.h>

#include "bench/sizes.hpp"
#include "scheduler/timing/timeline.hpp"

namespace headroom::scheduler {
namespace {

/// The snapshot as a fleet: constant rates, or compute under a random walk of 1 ms periods.
Fleet fleet_of(const Snapshot& snapshot, bool walking) {
    Fleet fleet;
    for (std::size_t d = 0; d < snapshot.size(); ++d) {
        DeviceSpec spec;
        spec.compute.base = snapshot.devices[d].compute;
        if (walking) {
            spec.compute.load = Load::walk(0, kWhole / 2, kWhole / 10, 1'000'000, d);
        }
        spec.memory.base = snapshot.devices[d].memory;
        fleet.devices.push_back(spec);
        for (std::size_t e = 0; e < snapshot.size(); ++e) {
            if (e != d) {
                LinkSpec link;
                link.bandwidth.base = snapshot.link(DeviceId(d), DeviceId(e)).bandwidth;
                link.latency.base = snapshot.link(DeviceId(d), DeviceId(e)).latency;
                fleet.network.set(DeviceId(d), DeviceId(e), link);
            }
        }
    }
    return fleet;
}

enum class Spread { scattered, together };

Placement placement_of(const testing::Instance& instance, Spread spread) {
    return spread == Spread::scattered ? testing::any_placement(instance, 1)
                                       : Placement(instance.blocks->size(), DeviceId(0));
}

void turn(
    benchmark::State& state,
    const bench::Size& size,
    Granularity granularity,
    Spread spread,
    bool walking
) {
    const testing::Instance instance = bench::instance(size, 1, granularity);
    const Fleet fleet = fleet_of(instance.problem.snapshot, walking);
    const FleetRates rates(fleet, 0);
    const auto programs = lower(
        *instance.blocks, placement_of(instance, spread), instance.problem.source, fleet.size()
    );
    Timeline timeline(*instance.blocks, fleet.size());
    for (auto _ : state) {
        benchmark::DoNotOptimize(
            timeline.turn(programs, rates, {.first = 512, .tokens = 1}, instance.problem.source)
        );
    }
    std::size_t instructions = 0;
    for (const Program& program : programs) {
        instructions += program.size();
    }
    state.counters["instructions"] = static_cast<double>(instructions);
    state.counters["instructions/s"] = benchmark::Counter(
        static_cast<double>(instructions), benchmark::Counter::kIsIterationInvariantRate
    );
}

/// Lowering a placement to programs, once per installed placement.
void lowering(benchmark::State& state, const bench::Size& size, Granularity granularity) {
    const testing::Instance instance = bench::instance(size, 1, granularity);
    const Placement placement = placement_of(instance, Spread::scattered);
    const std::size_t devices = instance.problem.snapshot.size();
    for (auto _ : state) {
        benchmark::DoNotOptimize(
            lower(*instance.blocks, placement, instance.problem.source, devices)
        );
    }
}

void add_all(const bench::Size& size, Granularity granularity) {
    const std::string name =
        std::string(size.name) + (granularity == Granularity::sliced ? "/sliced" : "");
    const auto add = [&](const std::string& what, Spread spread, bool walking) {
        benchmark::RegisterBenchmark(
            ("turn/" + name + "/" + what).c_str(),
            [=](benchmark::State& state) { turn(state, size, granularity, spread, walking); }
        )->Unit(benchmark::kMicrosecond);
    };
    add("scattered/constant", Spread::scattered, false);
    add("scattered/walk", Spread::scattered, true);
    add("together/constant", Spread::together, false);
    benchmark::RegisterBenchmark(("lower/" + name).c_str(), [=](benchmark::State& state) {
        lowering(state, size, granularity);
    })->Unit(benchmark::kMicrosecond);
}

const bool kRegistered = [] {
    for (const bench::Size& size : {bench::kSmall, bench::kLarge}) {
        add_all(size, Granularity::paper);
        add_all(size, Granularity::sliced);
    }
    return true;
}();

} // namespace
} // namespace headroom::scheduler
