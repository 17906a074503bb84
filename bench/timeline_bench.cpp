// Measures the walk of one decode turn. `simulate` and `replay` do one per token, and a policy
// without a closed formula does one per candidate. Blocks are either on random devices, which needs
// the most messages, or all on one device, which needs none.
#include <string>

#include <benchmark/benchmark.h>

#include "bench/sizes.hpp"
#include "scheduler/timing/timeline.hpp"

namespace headroom::scheduler {
namespace {

/// Returns the snapshot as a fleet with constant rates. With a random walk, the load of the devices
/// changes every millisecond.
Fleet fleet_of(const Snapshot& snapshot, bool with_random_walk) {
    Fleet fleet;
    for (std::size_t d = 0; d < snapshot.size(); ++d) {
        DeviceSpec spec;
        spec.compute.base = snapshot.devices[d].compute;
        if (with_random_walk) {
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

enum class Distribution { scattered, together };

Placement placement_of(const testing::Instance& instance, Distribution spread) {
    return spread == Distribution::scattered ? testing::random_placement_for(instance, 1)
                                             : Placement(instance.blocks->size(), DeviceId(0));
}

void turn_bench(
    benchmark::State& state,
    const bench::Size& size,
    Granularity granularity,
    Distribution spread,
    bool with_random_walk
) {
    const testing::Instance instance = bench::instance(size, 1, granularity);
    const Fleet fleet = fleet_of(instance.problem.snapshot, with_random_walk);
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

/// Measures the lowering of a placement to programs, which is done once per installed placement.
void lowering_bench(benchmark::State& state, const bench::Size& size, Granularity granularity) {
    const testing::Instance instance = bench::instance(size, 1, granularity);
    const Placement placement = placement_of(instance, Distribution::scattered);
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
    const auto add = [&](const std::string& what, Distribution spread, bool with_random_walk) {
        benchmark::RegisterBenchmark(
            ("turn/" + name + "/" + what).c_str(),
            [=](benchmark::State& state) {
                turn_bench(state, size, granularity, spread, with_random_walk);
            }
        )->Unit(benchmark::kMicrosecond);
    };
    add("scattered/constant", Distribution::scattered, false);
    add("scattered/walk", Distribution::scattered, true);
    add("together/constant", Distribution::together, false);
    benchmark::RegisterBenchmark(("lower/" + name).c_str(), [=](benchmark::State& state) {
        lowering_bench(state, size, granularity);
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
