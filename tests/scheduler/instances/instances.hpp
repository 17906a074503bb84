// Random problems for judging policies. `planted_instance` is the generator of
// docs/explanation/instances.md (both cost profiles); `wild_instance` varies everything that the
// generator keeps simple, for tests of exactness. The same seed gives the same problem on every
// machine.
#pragma once

#include <cstdint>
#include <memory>

#include "scheduler/core/blocks.hpp"
#include "scheduler/core/problem.hpp"
#include "scheduler/policies/policy.hpp"

namespace headroom::scheduler::testing {

/// A problem and the blocks that it points to.
struct Instance {
    std::unique_ptr<Blocks> blocks;
    Problem problem;
    Placement planted; ///< a placement that fits
};

struct InstanceShape {
    std::int32_t devices = 3;    ///< 3, 4 or 5 by the definition
    std::int32_t layers = 1;     ///< 1, 2 or 4
    std::int32_t heads = 8;      ///< 8, 16 or 32, each of width 64
    double memory_factor = 1.15; ///< 1.15, 1.5 or 3
    Granularity granularity = Granularity::paper;
    std::int32_t slices = 8; ///< S of granularity `sliced`, a divisor of 256·heads
};

/// Both profiles draw the same fleet, planted placement and contexts; memory, T_budget and what
/// greedy answers follow from the profile's own formulas. So with both granularities: the planted
/// groups stand where `paper` has them, the hub where its proj, slices by draws of their own;
/// memory follows from the bytes of the sliced blocks. Profile `paper` knows granularity `paper`
/// only.
[[nodiscard]] Instance planted_instance(
    const InstanceShape& shape, std::uint64_t seed, CostProfile profile = CostProfile::physical
);

/// The i-th of the definition's 81 cells, cyclically: devices, layers, memory factor, heads.
[[nodiscard]] InstanceShape cell_at(std::uint64_t i);

/// A cell of the definition chosen by the seed.
[[nodiscard]] InstanceShape any_cell(std::uint64_t seed);

struct Wildness {
    bool caps = false;   ///< egress and ingress limits on some devices
    bool stalls = false; ///< some rates are 0
    bool sliced = false; ///< granularity `sliced`, 1 to 12 slices, the same models and fleets
};

/// Small models with and without ends, tied or not, grouped queries, mixed types, any source,
/// in every third instance the ends pinned to it, buffers; memory bandwidths; asymmetric links;
/// memory enough for the planted placement.
[[nodiscard]] Instance wild_instance(const Wildness& wildness, std::uint64_t seed);

/// Puts `sequences` of them in flight, the longest at the problem's context, some before their
/// prefill, and gives every device as much more memory as the planted placement needs then.
void put_in_flight(Instance& instance, std::int64_t sequences, std::uint64_t seed);

/// Every block on a random device, pinned ones on theirs; fits or not.
[[nodiscard]] Placement any_placement(const Instance& instance, std::uint64_t seed);

/// The least objective over all feasible placements, by enumeration; infinite if there is none.
/// devices to the power of blocks: for tiny instances only.
[[nodiscard]] double optimum(const Problem& problem);

/// Of a policy that has decided nothing before.
[[nodiscard]] inline Decision decision_of(PolicyKind kind, const Problem& problem) {
    return make_policy(kind)->decide(problem);
}

} // namespace headroom::scheduler::testing
