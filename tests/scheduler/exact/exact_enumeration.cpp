#include "tests/scheduler/exact/exact_enumeration.hpp"

#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "base/random.hpp"
#include "scheduler/core/validate.hpp"
#include "scheduler/timing/evaluate.hpp"

namespace headroom::scheduler::testing {
namespace {

constexpr double kInfinite = std::numeric_limits<double>::infinity();
/// Objectives by formula are compared by policy `exact` with 1e-9.
constexpr double kFormulaTolerance = 1.000001e-9;
/// A bound in seconds is an integer of nanoseconds divided once, and double sums below it.
constexpr double kRounding = 1e-11;

/// Bytes of each device, buffers included; quick, so that max_placements placements are refused at
/// once.
bool within_memory(const Problem& problem, const Placement& placement) {
    const bool paper = problem.cost_profile == CostProfile::paper;
    std::vector<Bytes> held(problem.snapshot.size(), 0);
    std::vector<bool> holds(held.size(), false);
    for (std::size_t b = 0; b < placement.size(); ++b) {
        const std::size_t d = placement[b].index();
        held[d] += paper ? paper_memory(*problem.blocks, BlockId(b), problem.paper_cost_length())
                         : problem.blocks->resident_bytes(BlockId(b), problem.horizon(), placement);
        held[d] += !paper && !holds[d] ? problem.buffers : 0;
        holds[d] = true;
    }
    for (std::size_t d = 0; d < held.size(); ++d) {
        if (held[d] > problem.snapshot.devices[d].memory) {
            return false;
        }
    }
    return true;
}

} // namespace

double placement_count(const Problem& problem) {
    return std::pow(
        static_cast<double>(problem.snapshot.size()), static_cast<double>(problem.blocks->size())
    );
}

Optimum find_optimum(const Problem& problem) {
    Placement placement(problem.blocks->size(), DeviceId(0));
    Optimum best{kInfinite, false};
    while (true) {
        if (within_memory(problem, placement) && validate(problem, placement).ok()) {
            best.feasible = true;
            best.objective = std::min(best.objective, objective(problem, placement));
        }
        std::size_t b = 0;
        while (b < placement.size() && placement[b].index() + 1 == problem.snapshot.size()) {
            placement[b++] = DeviceId(0);
        }
        if (b == placement.size()) {
            return best;
        }
        placement[b] = DeviceId(placement[b].index() + 1);
    }
}

std::string complaint(const Problem& problem, const Decision& decision, const Optimum& optimum) {
    if (!decision.bound) {
        return "no bound";
    }
    std::string text;
    const double bound = *decision.bound;
    if (bound > optimum.objective * (1 + kRounding)) {
        text += fmt::format("bound {} above the optimum {}; ", bound, optimum.objective);
    }
    if (!decision.feasible) {
        if (decision.proven && optimum.feasible) {
            text += "claims that nothing fits; ";
        }
        return text;
    }
    if (!validate(problem, decision.placement).ok()) {
        return text + "the placement does not fit; ";
    }
    const double value = objective(problem, decision.placement);
    if (bound > value * (1 + kRounding)) {
        text += fmt::format("bound {} above its own objective {}; ", bound, value);
    }
    const double tolerance = problem.cost_profile == CostProfile::paper ? kFormulaTolerance : 0;
    if (decision.proven && value > optimum.objective * (1 + tolerance)) {
        text += fmt::format("proven {} but the optimum is {}; ", value, optimum.objective);
    }
    if (decision.proven && bound < optimum.objective * (1 - tolerance - kRounding)) {
        text += fmt::format("proven with bound {} below {}; ", bound, optimum.objective);
    }
    return text;
}

namespace {

Instance drawn(InstanceKind kind, Random& random, std::uint64_t seed) {
    const auto below = [&](std::uint64_t n) { return static_cast<std::int32_t>(random.below(n)); };
    WildOptions wildness;
    wildness.caps = kind == InstanceKind::capped;
    wildness.stalls = kind == InstanceKind::stalled;
    wildness.sliced = kind == InstanceKind::sliced;
    if (kind == InstanceKind::planted || kind == InstanceKind::planted_paper) {
        constexpr double kFactors[] = {1.15, 1.5, 3.0};
        const InstanceShape shape{
            2 + below(4), 1 + below(3), 2 + below(3), kFactors[random.below(3)]};
        return planted_instance(
            shape, seed, kind == InstanceKind::planted ? CostProfile::physical : CostProfile::paper
        );
    }
    return wild_instance(wildness, seed);
}

void vary(Instance& instance, Random& random) {
    Problem& problem = instance.problem;
    if (random.below(4) == 0) {
        problem.weights_everywhere = true;
        for (Snapshot::Device& device : problem.snapshot.devices) {
            device.storage_bandwidth =
                1'000'000 + static_cast<PerSecond>(random.below(100'000'000));
        }
    }
    if (random.below(4) == 0) {
        problem.look_ahead = 1 + static_cast<std::int64_t>(random.below(300));
    }
    if (random.below(3) == 0) {
        problem.paper.gather = PaperGather::max;
    }
    if (random.below(6) == 0) {
        for (Snapshot::Device& device : problem.snapshot.devices) {
            device.memory -= device.memory / 5;
        }
    }
}

} // namespace

Instance varied_small_instance(InstanceKind kind, std::uint64_t seed, double max_placements) {
    Random random(stream_seed(seed, "small instance"));
    Instance instance = drawn(kind, random, random.below(1U << 31U));
    while (placement_count(instance.problem) > max_placements) {
        instance = drawn(kind, random, random.below(1U << 31U));
    }
    vary(instance, random);
    return instance;
}

} // namespace headroom::scheduler::testing
