// What a decision costs, for every policy that has a name: on the generator of systems.md §5 at its
// smallest and largest size, at the demo's, and on a fleet of 25 devices for a model of 32 layers
// of 32 heads. Each iteration takes the next of a few problems, so that the mean is over problems.
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "bench/sizes.hpp"
#include "scheduler/policy.hpp"

namespace headroom::scheduler {
namespace {

constexpr bench::Size kSizes[] = {
    {"3x1x8", 3, 1, 8}, bench::kDemo, {"5x4x32", 5, 4, 32}, bench::kLarge};

/// As many problems as one iteration each should see; large ones take long.
std::int64_t problems_of(const bench::Size& size) {
    return size.layers > 4 ? 4 : 16;
}

void decide(benchmark::State& state, std::string_view policy_name, const bench::Size& size) {
    std::vector<testing::Instance> instances;
    for (std::int64_t i = 0; i < problems_of(size); ++i) {
        instances.push_back(bench::instance(size, static_cast<std::uint64_t>(i + 1)));
    }
    const auto policy = make_policy(*policy_named(policy_name));
    std::size_t next = 0;
    std::int64_t feasible = 0;
    std::int64_t evaluations = 0;
    for (auto _ : state) {
        const Decision decision = policy->decide(instances[next].problem);
        next = (next + 1) % instances.size();
        feasible += decision.feasible ? 1 : 0;
        evaluations += decision.evaluations;
    }
    const auto decisions = static_cast<double>(state.iterations());
    state.counters["feasible"] = static_cast<double>(feasible) / decisions;
    state.counters["evaluations"] = static_cast<double>(evaluations) / decisions;
}

const bool kRegistered = [] {
    for (const bench::Size& size : kSizes) {
        for (const std::string_view policy : policy_names()) {
            const std::string name = std::string(policy) + "/" + size.name;
            benchmark::RegisterBenchmark(
                name.c_str(), [=](benchmark::State& state) { decide(state, policy, size); }
            )
                ->Unit(benchmark::kMillisecond)
                ->Iterations(problems_of(size));
        }
    }
    return true;
}();

} // namespace
} // namespace headroom::scheduler
