// A descent over chains (shard_chain.hpp) in any order of devices. It makes a given chain faster
// and needs no table over (layer, device), so its work is small also for many devices.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "base/units.hpp"
#include "scheduler/cost/layer_costs.hpp"
#include "scheduler/layers/shard_chain.hpp"
#include "scheduler/layers/shard_rules.hpp"

namespace headroom::scheduler {

/// The moves change a window of consecutive shards and leave the layers of all others. They are: a
/// run of up to three shards goes elsewhere, a window is reversed, two shards exchange their
/// devices with or without their numbers of layers, layers go from one shard to another, an unused
/// device replaces a shard's or takes part of its layers, and a shard is given to its neighbour.
class ShardDescent {
  public:
    /// Keeps references to the arguments.
    ShardDescent(const LayerCosts& costs, const ShardRules& rules) : costs_(costs), rules_(rules) {}

    /// Improves a chain that obeys the rules and returns the new latency. After a descent it
    /// exchanges two random runs of shards and descends again, until `work` timed shards are spent.
    Nanoseconds improve(std::vector<Shard>& shards, std::int64_t work);
    [[nodiscard]] std::int64_t work() const { return work_; }

  private:
    /// A device and its number of layers.
    using Part = std::pair<std::size_t, std::size_t>;

    void load(const std::vector<Shard>& shards);
    [[nodiscard]] Nanoseconds time_with(std::size_t begin, std::size_t end) const;
    bool take_if_better(std::size_t begin, std::size_t end);
    void apply(std::size_t begin, std::size_t end);
    /// Returns whether a shard that has changed is at one of the ends of window [begin, end).
    [[nodiscard]] bool is_new(std::size_t begin, std::size_t end) const {
        return looked_at_[parts_[begin].first] || looked_at_[parts_[end - 1].first];
    }
    void mark_changes(std::size_t begin, std::size_t end);
    void descend();
    void move_shards();
    void exchange_shards();
    void shift_layers();
    void use_other_devices();
    void kick(std::uint64_t random);
    void copy_window(std::size_t begin, std::size_t end) {
        window_.assign(
            parts_.begin() + static_cast<std::ptrdiff_t>(begin),
            parts_.begin() + static_cast<std::ptrdiff_t>(end)
        );
    }

    const LayerCosts& costs_;
    const ShardRules& rules_;
    std::vector<Part> parts_;         ///< the chain; the source's shard is the first
    std::vector<std::size_t> first_;  ///< the first layer of each shard, then the number of layers
    std::vector<Nanoseconds> before_; ///< the time before each shard's hop, then before the end
    std::vector<std::size_t> unused_; ///< the devices without a shard
    std::vector<Part> window_;        ///< the candidate's shards in the window
    /// For each device its predecessor in the chain and its number of layers
    std::vector<Part> context_;
    std::vector<bool> changed_;   ///< devices whose context has changed since they were looked at
    std::vector<bool> looked_at_; ///< devices whose moves are being tried
    mutable std::int64_t work_ = 0;
    std::int64_t most_ = 0;
};

} // namespace headroom::scheduler
