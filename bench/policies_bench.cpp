// Measures the time of one decision, for every policy, in both granularities, and up to 25 devices
// also under cost profile `paper`. The random problems (docs/explanation/instances.md) have the
// sizes kSizes. Policy resource_aware is also measured with as many sequences in flight as devices
// and the aim throughput. The iterations use several problems in turn, so the mean is a mean over
// problems.
#include <exception>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "bench/sizes.hpp"
#include "scheduler/policies/registry.hpp"

namespace headroom::scheduler {
namespace {

constexpr bench::Size kSizes[] = {
    {"3x1x8", 3, 1, 8}, bench::kDemo, {"5x4x32", 5, 4, 32}, bench::kLarge, bench::kHuge};

/// The placement before the decision: the one that the generator draws, none, or the planted one.
enum class PreviousPlacement { drawn, nothing, planted };

struct BenchCase {
    bench::Size size;
    Granularity granularity = Granularity::paper;
    PreviousPlacement previous = PreviousPlacement::drawn;
    CostProfile profile = CostProfile::physical;
    std::int64_t in_flight = 1;

    [[nodiscard]] std::string name() const {
        const std::string suffix = previous == PreviousPlacement::drawn     ? ""
                                   : previous == PreviousPlacement::nothing ? "/first"
                                                                            : "/again";
        return std::string(size.name) + (granularity == Granularity::sliced ? "/sliced" : "") +
               (profile == CostProfile::paper ? "/paper" : "") +
               (in_flight > 1 ? "/in_flight:" + std::to_string(in_flight) : "") + suffix;
    }
    /// Returns the number of problems, with one iteration each. It is smaller for large sizes,
    /// whose decisions take long.
    [[nodiscard]] std::int64_t problems() const {
        return size.devices > 100 ? 1 : size.layers > 4 ? 4 : 16;
    }
};

testing::Instance problem_of(const BenchCase& bench_case, std::uint64_t seed) {
    testing::Instance instance =
        bench::instance(bench_case.size, seed, bench_case.granularity, bench_case.profile);
    if (bench_case.previous == PreviousPlacement::nothing) {
        instance.problem.previous.reset();
    } else if (bench_case.previous == PreviousPlacement::planted) {
        instance.problem.previous = instance.planted;
    }
    if (bench_case.in_flight > 1) {
        testing::put_in_flight(instance, bench_case.in_flight, seed);
        instance.problem.aim = Aim::throughput;
        instance.problem.batch = 0;
    }
    return instance;
}

std::vector<testing::Instance> problems_of(const BenchCase& bench_case) {
    std::vector<testing::Instance> instances;
    for (std::int64_t i = 0; i < bench_case.problems(); ++i) {
        instances.push_back(problem_of(bench_case, static_cast<std::uint64_t>(i + 1)));
    }
    return instances;
}

void decide(benchmark::State& state, std::string_view policy_name, const BenchCase& bench_case) {
    const std::vector<testing::Instance> instances = problems_of(bench_case);
    const auto policy = make_policy(*policy_named(policy_name));
    std::size_t next = 0;
    std::int64_t feasible = 0;
    std::int64_t evaluations = 0;
    for (auto _ : state) {
        try {
            const Decision decision = policy->decide(instances[next].problem);
            feasible += decision.feasible ? 1 : 0;
            evaluations += decision.evaluations;
        } catch (const std::exception& error) { // the other benchmarks still run
            state.SkipWithError(error.what());
            break;
        }
        next = (next + 1) % instances.size();
    }
    const auto decisions = static_cast<double>(state.iterations());
    state.counters["feasible"] = static_cast<double>(feasible) / decisions;
    state.counters["evaluations"] = static_cast<double>(evaluations) / decisions;
}

std::vector<BenchCase> all_cases() {
    std::vector<BenchCase> cases;
    const auto add = [&](const bench::Size& size, Granularity granularity, CostProfile profile) {
        if (size.layers > 4) {
            cases.push_back({size, granularity, PreviousPlacement::nothing, profile});
            cases.push_back({size, granularity, PreviousPlacement::planted, profile});
        } else {
            cases.push_back({size, granularity, PreviousPlacement::drawn, profile});
        }
    };
    for (const bench::Size& size : kSizes) {
        add(size, Granularity::paper, CostProfile::physical);
        add(size, Granularity::sliced, CostProfile::physical);
        if (size.devices <= 25) {
            add(size, Granularity::paper, CostProfile::paper);
        }
        cases.push_back(
            {size,
             Granularity::paper,
             PreviousPlacement::nothing,
             CostProfile::physical,
             size.devices}
        );
        cases.push_back(
            {size,
             Granularity::paper,
             PreviousPlacement::planted,
             CostProfile::physical,
             size.devices}
        );
    }
    return cases;
}

const bool kRegistered = [] {
    for (const BenchCase& bench_case : all_cases()) {
        for (const std::string_view policy : policies_for_any_problem()) {
            if (bench_case.in_flight > 1 && policy != name_of(PolicyKind::resource_aware)) {
                continue; // the other policies decide as for one sequence
            }
            const std::string name = std::string(policy) + "/" + bench_case.name();
            benchmark::RegisterBenchmark(
                name.c_str(), [=](benchmark::State& state) { decide(state, policy, bench_case); }
            )
                ->Unit(benchmark::kMillisecond)
                ->Iterations(bench_case.problems());
        }
    }
    return true;
}();

} // namespace
} // namespace headroom::scheduler
