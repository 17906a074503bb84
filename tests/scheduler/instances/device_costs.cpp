#include "tests/scheduler/instances/device_costs.hpp"

#include <algorithm>

#include "base/random.hpp"

namespace headroom::scheduler::testing {
namespace {

/// Returns the rate times a random factor between 1/4 and 4.
PerSecond near(Random& random, PerSecond rate) {
    if (rate == kUnlimited) {
        return random.below(2) == 0
                   ? kUnlimited
                   : 1'000'000 + static_cast<PerSecond>(random.below(1'000'000'000));
    }
    const PerSecond quarter = rate / 4;
    return quarter + static_cast<PerSecond>(random.below(
                         static_cast<std::uint64_t>(std::max<PerSecond>(1, 4 * rate - quarter))
                     ));
}

void add_rates(Snapshot::Device& device, Random& random) {
    constexpr WeightType kTypes[] = {
        WeightType::f32, WeightType::q8_0, WeightType::f16, WeightType::bf16, WeightType::q4_0};
    for (const WeightType type : kTypes) { // the models of instances have only some of these
        if (random.below(2) == 0) {
            const PerSecond compute = near(random, device.compute);
            device.rates.push_back(
                {type, compute, near(random, device.memory_bandwidth), near(random, compute)}
            );
        }
    }
}

} // namespace

void add_device_costs(Problem& problem, const DeviceCosts& costs, std::uint64_t seed) {
    Random random(stream_seed(seed, "device costs"));
    Snapshot& snapshot = problem.snapshot;
    const std::uint64_t media = costs.media ? 1 + random.below(2) : 0;
    for (std::uint64_t m = 0; m < media; ++m) {
        snapshot.media.push_back(near(random, snapshot.link_at(1).bandwidth));
    }
    for (Snapshot::Device& device : snapshot.devices) {
        if (costs.rates && random.below(2) == 0) {
            add_rates(device, random);
        }
        if (costs.operation_overhead && random.below(4) != 0) {
            device.operation_overhead = static_cast<Nanoseconds>(random.below(200'000));
        }
        if (costs.message_overhead && random.below(4) != 0) {
            device.message_overhead = static_cast<Nanoseconds>(random.below(500'000));
        }
        if (costs.media && random.below(4) != 0) {
            device.medium = static_cast<std::int32_t>(random.below(media));
        }
    }
}

} // namespace headroom::scheduler::testing
