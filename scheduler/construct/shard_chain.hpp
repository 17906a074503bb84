// Chains of shards: the layers in order, cut into contiguous shards, every shard on a device of its
// own, the first on the source. EdgeShard's two dynamic programmes (arXiv 2405.14371, Algorithms 1
// and 2, as recorded in docs/explanation/baselines.md#edgeshard) and the ring's split are searches
// for the best of them.
//
//   latency   DP(i, j) = min over k and shards [h, i) on j of DP(h, k) + enter + stay, + finish
//   stage     of a chain: the slowest of its devices' computing (lm_head counts with the source)
//             and of its hops' occupancy, that is, what a token in a full pipeline waits for
//
// The published programme keeps one number per (layer, device) and with it one history, so what
// memory is left on a device that the best history did not use is known approximately only. Here a
// label is a chain so far: its last device, its set of devices, its time. Of equal sets the fastest
// stays. Labels that cannot beat the best chain known are dropped, by two bounds: the same
// programme without the sets from the end backwards, and the layers that unused devices can hold.
// What is left is exact as long as no label is dropped for want of width (`proven`); the width
// follows from a fixed amount of work, so it is a beam in larger fleets. Of random fleets with 32
// layers all 40 were proven with 12 devices, 30 with 16, and few with 20 and ample memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/units.hpp"
#include "scheduler/cost/layer_costs.hpp"

namespace headroom::scheduler {

/// Layers [first, last) on device j of the LayerCosts.
struct Shard {
    std::size_t device = 0;
    std::size_t first = 0;
    std::size_t last = 0;
    bool operator==(const Shard&) const = default;
};

struct Chain {
    std::vector<Shard> shards; ///< empty: none was found
    Nanoseconds latency = kNever;
    Nanoseconds stage = kNever; ///< the slowest
    bool proven = false;        ///< no chain is better, or there is none
    std::int64_t work = 0;      ///< extensions looked at
};

enum class ChainOrder : std::uint8_t {
    any,   ///< EdgeShard: devices in any order; the source holds the first layers
    given, ///< ring: devices in their order, any left out; the source may hold no layer
};

/// The least latency among chains whose stages take at most `longest_stage`.
[[nodiscard]] Chain fastest_chain(
    const LayerCosts& costs, ChainOrder order, Nanoseconds longest_stage = kNever
);

/// What the first, narrow search finds, within about a twentieth of the work: a starting point.
[[nodiscard]] Chain quick_chain(const LayerCosts& costs);

/// The least slowest stage, then the least latency.
[[nodiscard]] Chain evenest_chain(const LayerCosts& costs, ChainOrder order);

} // namespace headroom::scheduler
