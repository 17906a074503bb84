// Searches for the best chain of shards. The layers are cut, in order, into contiguous shards, and
// every shard is on a device of its own. Policies edgeshard (arXiv 2405.14371, Algorithms 1 and 2,
// see docs/explanation/baselines.md#edgeshard) and ring use them.
//
// The latency of a chain is the recurrence DP(i, j) = min over k and shards [h, i) on j of DP(h, k)
// + time after the hop + time alone, with LayerCosts::finish at the end. The stage time of a chain
// is the longest computing time of a device (lm_head counts with the source) or occupancy of a hop,
// which is how often a full pipeline yields a token.
//
// The published algorithms keep one number per (layer, device), so they know the memory left on
// devices only for the best history. Here a label is a chain built so far: its last device, its set
// of devices and its time. Of labels with equal sets the fastest is kept. A label is dropped if it
// cannot beat the best known chain by one of two bounds: the same recurrence backwards without the
// sets, and the layers that unused devices can hold. The result is proven optimal (`proven`) unless
// a label was dropped because the beam was full. The beam width follows from a fixed amount of
// work.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/units.hpp"
#include "scheduler/cost/layer_costs.hpp"

namespace headroom::scheduler {

/// Layers [first, last) on device j of a LayerCosts.
struct Shard {
    std::size_t device = 0;
    std::size_t first = 0;
    std::size_t last = 0;
    bool operator==(const Shard&) const = default;
};

/// The result of a search. Without a chain, `shards` is empty.
struct Chain {
    std::vector<Shard> shards;
    Nanoseconds latency = kNever;
    Nanoseconds stage = kNever; ///< the slowest stage
    bool proven = false;        ///< no chain is better, or none exists
    std::int64_t work = 0;      ///< extensions of labels examined
};

/// The orders of devices that a chain may have.
enum class ChainOrder : std::uint8_t {
    any,   ///< EdgeShard: any order; the source has the first layers
    given, ///< ring: the order of the LayerCosts; any device may be left out or have no layer
};

/// Returns the chain of least latency whose stages take at most `longest_stage`.
[[nodiscard]] Chain fastest_chain(
    const LayerCosts& costs, ChainOrder order, Nanoseconds longest_stage = kNever
);

/// Returns the chain that the first, narrow search finds, with about a twentieth of the work.
[[nodiscard]] Chain heuristic_chain(const LayerCosts& costs);

/// Returns the chain with the least slowest stage, and of equal ones the least latency.
[[nodiscard]] Chain min_bottleneck_chain(const LayerCosts& costs, ChainOrder order);

} // namespace headroom::scheduler
