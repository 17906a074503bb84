// What a decision costs, for every policy that has a name, in both granularities, and under cost
// profile `paper` (up to 25 devices): on the generator of docs/explanation/instances.md at its
// smallest and largest size, at the demo's, on a fleet of 25 devices for a model of 32 layers of 32
// heads, and on 1000 devices for one of 80 layers of 64 heads; with as many sequences in flight as
// devices, for throughput, of the policy that decides about rounds. Each iteration takes the next
// of a few problems, so that the mean is over problems.
#include <exception>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "bench/sizes.hpp"
#include "scheduler/policies/policy.hpp"

namespace headroom::scheduler {
namespace {

constexpr bench::Size kSizes[] = {
    {"3x1x8", 3, 1, 8}, bench::kDemo, {"5x4x32", 5, 4, 32}, bench::kLarge, bench::kHuge};

/// Where blocks are before the decision: as the generator draws it, nowhere, or planted.
enum class Before { drawn, nothing, planted };

struct Case {
    bench::Size size;
    Granularity granularity = Granularity::paper;
    Before before = Before::drawn;
    CostProfile profile = CostProfile::physical;
    std::int64_t in_flight = 1;

    [[nodiscard]] std::string name() const {
        const std::string suffix = before == Before::drawn     ? ""
                                   : before == Before::nothing ? "/first"
                                                               : "/again";
        return std::string(size.name) + (granularity == Granularity::sliced ? "/sliced" : "") +
               (profile == CostProfile::paper ? "/paper" : "") +
               (in_flight > 1 ? "/in_flight:" + std::to_string(in_flight) : "") + suffix;
    }
    /// As many problems as one iteration each should see; large ones take long.
    [[nodiscard]] std::int64_t problems() const {
        return size.devices > 100 ? 1 : size.layers > 4 ? 4 : 16;
    }
};

testing::Instance problem_of(const Case& wanted, std::uint64_t seed) {
    testing::Instance instance =
        bench::instance(wanted.size, seed, wanted.granularity, wanted.profile);
    if (wanted.before == Before::nothing) {
        instance.problem.previous.reset();
    } else if (wanted.before == Before::planted) {
        instance.problem.previous = instance.planted;
    }
    if (wanted.in_flight > 1) {
        testing::put_in_flight(instance, wanted.in_flight, seed);
        instance.problem.aim = Aim::throughput;
        instance.problem.batch = 0;
    }
    return instance;
}

void decide(benchmark::State& state, std::string_view policy_name, const Case& wanted) {
    std::vector<testing::Instance> instances;
    for (std::int64_t i = 0; i < wanted.problems(); ++i) {
        instances.push_back(problem_of(wanted, static_cast<std::uint64_t>(i + 1)));
    }
    const auto policy = make_policy(*policy_named(policy_name));
    std::size_t next = 0;
    std::int64_t feasible = 0;
    std::int64_t evaluations = 0;
    for (auto _ : state) {
        try {
            const Decision decision = policy->decide(instances[next].problem);
            feasible += decision.feasible ? 1 : 0;
            evaluations += decision.evaluations;
        } catch (const std::exception& error) { // one that fails must not hide all others
            state.SkipWithError(error.what());
            break;
        }
        next = (next + 1) % instances.size();
    }
    const auto decisions = static_cast<double>(state.iterations());
    state.counters["feasible"] = static_cast<double>(feasible) / decisions;
    state.counters["evaluations"] = static_cast<double>(evaluations) / decisions;
}

std::vector<Case> all_cases() {
    std::vector<Case> cases;
    const auto add = [&](const bench::Size& size, Granularity granularity, CostProfile profile) {
        if (size.layers > 4) {
            cases.push_back({size, granularity, Before::nothing, profile});
            cases.push_back({size, granularity, Before::planted, profile});
        } else {
            cases.push_back({size, granularity, Before::drawn, profile});
        }
    };
    for (const bench::Size& size : kSizes) {
        add(size, Granularity::paper, CostProfile::physical);
        add(size, Granularity::sliced, CostProfile::physical);
        if (size.devices <= 25) {
            add(size, Granularity::paper, CostProfile::paper);
        }
        cases.push_back(
            {size, Granularity::paper, Before::nothing, CostProfile::physical, size.devices}
        );
        cases.push_back(
            {size, Granularity::paper, Before::planted, CostProfile::physical, size.devices}
        );
    }
    return cases;
}

const bool kRegistered = [] {
    for (const Case& wanted : all_cases()) {
        for (const std::string_view policy : policy_names()) {
            if (wanted.in_flight > 1 && policy != name_of(PolicyKind::resource_aware)) {
                continue; // decides as for one sequence
            }
            const std::string name = std::string(policy) + "/" + wanted.name();
            benchmark::RegisterBenchmark(
                name.c_str(), [=](benchmark::State& state) { decide(state, policy, wanted); }
            )
                ->Unit(benchmark::kMillisecond)
                ->Iterations(wanted.problems());
        }
    }
    return true;
}();

} // namespace
} // namespace headroom::scheduler
