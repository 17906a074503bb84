// Searches for the best chain of shards. A shard is a run of consecutive layers on one device; a
// chain cuts all layers into shards on different devices. Policies `edgeshard` (arXiv 2405.14371,
// Algorithms 1 and 2, see docs/explanation/baselines.md#edgeshard) and `ring` use this search.
//
// DP(i, j) is the least latency of layers 0 … i − 1 if the last of them is on device j. Let h be
// the first layer of j's shard, and k the device before j. For given h and k, DP(h, k), the time of
// the hop from k to j and the time of layers h … i − 1 on j add up to the latency. DP(i, j) is the
// minimum of this latency over all h and k. When all layers are done, LayerCosts::finish is added,
// the time from the last layer to the sampled id on the source. The stage time of a chain is the
// longest time for which one token occupies a device or the link of a hop. The time of the source
// includes embed and lm_head, and the time of a device includes the handling of messages
// (LayerCosts::beside_layers). A full pipeline yields one token per stage time.
//
// In a given order of devices the DP is exact. If the order is free, the DP is not exact, because a
// chain may use a device only once. The published algorithms keep only the fastest chain per
// (layer, device), and this chain may have used a device that later layers need. This search keeps
// several partial chains, as labels (shard_labels.hpp): a last device, a set of devices and a time.
// Of labels with equal sets and last devices the fastest is kept. A label is dropped if unused
// devices cannot hold the remaining layers, or if its time + a lower bound of the remaining time
// (shard_rules.hpp) is not below the best known latency. The labels kept for one number of layers
// are the beam, whose width follows from a fixed amount of work. If the beam never overflowed, the
// result is optimal. Otherwise a descent (shard_descent.hpp) improves it, and in small problems a
// wider pass with better bounds tries to prove the optimum. For the least stage time, the limit of
// stages at which any chain is found is bisected.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/units.hpp"
#include "scheduler/cost/layer_costs.hpp"

namespace headroom::scheduler {

/// Layers [first, last) on a device, given by its index in a LayerCosts.
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
    Nanoseconds stage = kNever; ///< the stage time
    /// Whether it is proven that no other chain is better or, if `shards` is empty, that there is
    /// no chain.
    bool proven = false;
    std::int64_t work = 0; ///< extensions of labels and shards that were timed
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

/// Returns a chain that a narrow beam and a short descent find, in any order of devices. Its work
/// is a small part of fastest_chain()'s.
[[nodiscard]] Chain heuristic_chain(const LayerCosts& costs);

/// Returns the chain with the least stage time; of several such chains that of least latency.
[[nodiscard]] Chain min_bottleneck_chain(const LayerCosts& costs, ChainOrder order);

} // namespace headroom::scheduler
