// Random problems by which tests and benchmarks judge policies. `planted_instance` is the generator
// of docs/explanation/instances.md. `wild_instance` also varies everything that this generator
// keeps simple. The same seed gives the same problem on every machine.
#pragma once

#include <cstdint>
#include <memory>

#include "scheduler/core/blocks.hpp"
#include "scheduler/core/problem.hpp"
#include "scheduler/policies/registry.hpp"

namespace headroom::scheduler::testing {

/// A problem together with the blocks that it points to.
struct Instance {
    std::unique_ptr<Blocks> blocks;
    Problem problem;
    Placement planted; ///< a feasible placement, around which the memory was drawn
};

/// The parameters of planted_instance; the comments give the values of the definition.
struct InstanceShape {
    std::int32_t devices = 3;    ///< 3, 4 or 5
    std::int32_t layers = 1;     ///< 1, 2 or 4
    std::int32_t heads = 8;      ///< 8, 16 or 32, each of width 64
    double memory_factor = 1.15; ///< 1.15, 1.5 or 3
    Granularity granularity = Granularity::paper;
    std::int32_t slices = 8;       ///< number of slices in granularity `sliced`; divides 256·heads
    QkNorm qk_norm = QkNorm::none; ///< `width`: groups are computed in two parts
};

/// Returns a random problem. Both cost profiles draw the same fleet, planted placement and
/// contexts; memory, T_budget and a previous placement by first fit follow from the formulas of the
/// profile. Both granularities draw the same fleet and contexts. The planted placement of
/// granularity `sliced` has the groups where `paper` has them and the hub on the device of its
/// proj; slices are drawn from a stream of their own. Throws Bug for granularity `sliced` under
/// profile `paper`.
[[nodiscard]] Instance planted_instance(
    const InstanceShape& shape, std::uint64_t seed, CostProfile profile = CostProfile::physical
);

/// Returns cell i modulo 81 of the definition. From one cell to the next the devices vary first,
/// then the layers, the memory factor and the heads.
[[nodiscard]] InstanceShape cell_at(std::uint64_t i);

/// Returns a random cell of the definition.
[[nodiscard]] InstanceShape random_cell(std::uint64_t seed);

/// What wild_instance may draw in addition.
struct WildOptions {
    bool caps = false;   ///< some devices have egress or ingress caps
    bool stalls = false; ///< some rates are 0
    bool sliced = false; ///< granularity `sliced` with 1 to 12 slices; model and fleet are the same
};

/// Returns a problem with a small model, drawn with or without ends, tied matrices, grouped queries
/// and mixed weight types. In one of three the groups are computed in two parts (QkNorm::width).
/// The source is random; if seed mod 3 is 0, embed and lm_head are pinned to it. Devices have
/// memory bandwidths and buffers, links differ by direction, and the planted placement fits.
[[nodiscard]] Instance wild_instance(const WildOptions& options, std::uint64_t seed);

/// Replaces the problem's sequences by `sequences` random ones. The first has the problem's
/// context, no other has more, and some are before their prefill. The memory of each device changes
/// by what the planted placement needs in addition.
void put_in_flight(Instance& instance, std::int64_t sequences, std::uint64_t seed);

/// Returns a placement of every block on a random device and of pinned blocks on the source. It
/// need not be feasible.
[[nodiscard]] Placement random_placement_for(const Instance& instance, std::uint64_t seed);

/// Returns the least objective in seconds over all feasible placements, or infinity if there is
/// none. It tries all placements, of which there are devices^blocks.
[[nodiscard]] double optimum(const Problem& problem);

/// Returns the decision of a new policy object.
[[nodiscard]] inline Decision decision_of(PolicyKind kind, const Problem& problem) {
    return make_policy(kind)->decide(problem);
}

} // namespace headroom::scheduler::testing
