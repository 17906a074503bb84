// Measures the function `finish`, which the timeline and the runtime call at least once for every
// operation and message. The work takes about 0.1, 10 or 1000 periods of the load, so that it ends
// within one constant piece of the rate or after many.
#include <string>

#include <benchmark/benchmark.h>

#include "base/random.hpp"
#include "scheduler/rates/profile.hpp"

namespace headroom::scheduler {
namespace {

constexpr PerSecond kRate = 10'000'000'000;
constexpr Nanoseconds kPeriod = 1'000'000;
constexpr std::int64_t kSteps =
    2000; ///< steps of the stepped load, one per period; then it is constant

Load stepped_load() {
    std::vector<Load::Step> steps;
    for (std::int64_t i = 0; i < kSteps; ++i) {
        steps.push_back({i * kPeriod, i % 2 == 0 ? kWhole / 4 : kWhole / 2});
    }
    return Load::steps(steps);
}

/// Each iteration computes the end of work with another random start in the first thousand periods.
void finish_bench(benchmark::State& state, const Load& load) {
    const Profile profile{.base = kRate, .scale = {}, .load = load, .changes = {}};
    const std::int64_t tenths = state.range(0); // work in tenths of a period at half the rate
    const std::int64_t work = tenths * (kRate / 2 * (kPeriod / 1000) / 1'000'000) / 10;
    std::uint64_t k = 0;
    for (auto _ : state) {
        const auto start = static_cast<Nanoseconds>(random_below(1, k++, 1000 * kPeriod));
        benchmark::DoNotOptimize(finish(profile, start, work, 0));
    }
}

const bool kRegistered = [] {
    const std::pair<const char*, Load> loads[] = {
        {"constant", Load::constant(kWhole / 4)},
        {"stepped", stepped_load()},
        {"random", Load::uniform(0, kWhole / 2, kPeriod, 7)},
        {"walk", Load::walk(0, kWhole / 2, kWhole / 10, kPeriod, 7)},
    };
    for (const auto& [name, load] : loads) {
        benchmark::RegisterBenchmark(
            ("finish/" + std::string(name)).c_str(),
            [load = load](benchmark::State& state) { finish_bench(state, load); }
        )
            ->ArgName("tenths_of_a_period")
            ->Arg(1)
            ->Arg(100)
            ->Arg(10'000);
    }
    return true;
}();

} // namespace
} // namespace headroom::scheduler
