// Searches for the best chain of shards. A shard is a run of consecutive layers on one device; a
// chain cuts all layers into shards on different devices. Policies `edgeshard` (arXiv 2405.14371,
// Algorithms 1 and 2, see docs/explanation/baselines.md#edgeshard) and `ring` use this search.
//
// The least latency of a chain that ends with layer i − 1 on device j is DP(i, j), the minimum over
// devices k and shards [h, i) on j of DP(h, k) + the time of layer h after the hop from k + the
// time of the other layers; LayerCosts::finish, the way back, is added at the end. The stage time
// of a chain is the longest time for which one token occupies a device (lm_head counts with the
// source) or a hop. A full pipeline yields one token per stage time.
//
// The published algorithms keep one number per (layer, device), so they know the used devices of
// only one chain for each, the fastest. Here a label is a partial chain: its last device, its set
// of devices and its time. Of labels with equal sets and last devices the fastest is kept. A label
// is dropped if one of two bounds shows that it cannot become better than the best known chain: the
// least time of the remaining layers, by the recurrence from the last layer backwards in which
// devices may be used again, and the number of layers that unused devices can hold. The labels kept
// for one number of layers are the beam, whose width follows from a fixed amount of work. The
// result is proven optimal (`proven`) unless a label was dropped because the beam was full.
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
    bool proven = false;        ///< whether no chain is better, or none exists
    std::int64_t work = 0;      ///< extensions of labels examined
};

/// The orders of devices that a chain may have.
enum class ChainOrder : std::uint8_t {
    any,   ///< any order, but the source has the first layers (EdgeShard)
    given, ///< the order of the LayerCosts; any device may be left out (ring)
};

/// Returns the chain of least latency whose stages take at most `longest_stage`.
[[nodiscard]] Chain fastest_chain(
    const LayerCosts& costs, ChainOrder order, Nanoseconds longest_stage = kNever
);

/// Returns the chain that a search with a narrow beam finds, in about a twentieth of the work.
[[nodiscard]] Chain heuristic_chain(const LayerCosts& costs);

/// Returns the chain with the least stage time; of equal ones that with the least latency.
[[nodiscard]] Chain min_bottleneck_chain(const LayerCosts& costs, ChainOrder order);

} // namespace headroom::scheduler
