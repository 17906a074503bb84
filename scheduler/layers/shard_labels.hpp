// Partial chains (shard_chain.hpp) in any order of devices, and the search that extends them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/units.hpp"
#include "scheduler/cost/layer_costs.hpp"
#include "scheduler/layers/shard_chain.hpp"
#include "scheduler/layers/shard_rules.hpp"

namespace headroom::scheduler {

using DeviceSet = std::array<std::uint64_t, kMaxLayerHosts / 64>;

/// A partial chain, from the first layer on.
struct ShardLabel {
    Nanoseconds time = 0;
    Nanoseconds bound = 0;    ///< lower bound of the chains that begin with it
    Nanoseconds discount = 0; ///< the sum of the prices (ShardBounds) of unused devices
    DeviceSet used{};
    std::size_t capacity = 0; ///< layers that unused devices can hold
    std::uint32_t device = 0;
    std::uint32_t first = 0;  ///< first layer of the last shard
    std::uint32_t before = 0; ///< the label without the last shard; not used for the source's shard
};

/// A beam search that extends labels in one pass from the first layer to the last.
class ShardLabels {
  public:
    /// Keeps references to the arguments.
    ShardLabels(const LayerCosts& costs, const ShardRules& rules, const ShardBounds& bounds);

    /// The result of one pass.
    struct Found {
        std::vector<Shard> shards; ///< the fastest chain found; empty if none
        Nanoseconds latency = 0;
        bool complete = false; ///< whether no label was dropped because the beam was full
        std::int64_t work = 0; ///< number of extensions
    };
    /// The limits of one pass.
    struct Limits {
        std::int64_t work = 0; ///< number of extensions, about
        /// The width that the beam has at least, whatever the work; 0: labels are never dropped,
        /// and the pass ends without a chain when the work is spent.
        std::int64_t least_width = 0;
    };
    /// Returns the fastest chain that takes less than `time`. If the pass is complete, it is the
    /// one of least latency. Of several such chains it is the one whose last device is the least,
    /// then whose set of devices is, and so on backwards.
    [[nodiscard]] Found run(Nanoseconds time, Limits limits);

  private:
    void start();
    void offer(std::size_t i, ShardLabel& label);
    std::int64_t extend(std::size_t i, std::uint32_t n);
    [[nodiscard]] Found best() const;

    const LayerCosts& costs_;
    const ShardRules& rules_;
    const ShardBounds& bounds_;
    std::int64_t branching_ = 0; ///< most extensions of a label
    Nanoseconds limit_ = kNoChain;
    std::vector<std::vector<ShardLabel>> labels_; ///< [layers done]
};

} // namespace headroom::scheduler
