// The shards and hops that a chain (shard_chain.hpp) may have, and lower bounds of its latency.
#pragma once

#include <cstddef>
#include <limits>
#include <vector>

#include "base/units.hpp"
#include "scheduler/cost/layer_costs.hpp"
#include "scheduler/layers/layer_path.hpp"
#include "scheduler/layers/shard_chain.hpp"

namespace headroom::scheduler {

/// The time of a chain that does not exist. A sum of three such times does not overflow.
inline constexpr Nanoseconds kNoChain = std::numeric_limits<Nanoseconds>::max() / 4;

/// Says which shards and hops a chain may have. A shard must fit on its device, and neither a shard
/// nor a hop may take longer than the longest stage.
class ShardRules {
  public:
    ShardRules(const LayerCosts& costs, ChainOrder order, Nanoseconds longest);

    /// Returns the end of the longest shard that begins at `first` on j; `first` if there is none.
    [[nodiscard]] std::size_t end(std::size_t first, std::size_t j) const {
        return ends_[j * costs_->layers() + first];
    }
    /// Returns the most layers that j can hold in one shard.
    [[nodiscard]] std::size_t capacity(std::size_t j) const { return capacity_[j]; }
    [[nodiscard]] bool may_follow(std::size_t from, std::size_t to) const {
        return to != 0 && (order_ == ChainOrder::any ? to != from : to > from) &&
               costs_->busy(from, to) <= longest_;
    }
    [[nodiscard]] bool may_finish(std::size_t j) const { return costs_->busy_back(j) <= longest_; }
    /// Returns whether the source has room for the ends, and what it does besides layers takes no
    /// longer than the longest stage.
    [[nodiscard]] bool may_start() const {
        return costs_->beside_layers(0) <= longest_ && costs_->has_room_for_ends();
    }
    [[nodiscard]] std::size_t min_layers_on_source() const {
        return order_ == ChainOrder::any ? 1 : 0;
    }

  private:
    [[nodiscard]] bool allows(std::size_t first, std::size_t last, std::size_t j) const {
        return costs_->fits(first, last, j) &&
               costs_->time_alone(first, last, j) <= longest_ - costs_->beside_layers(j);
    }

    const LayerCosts* costs_;
    ChainOrder order_;
    Nanoseconds longest_;
    std::vector<std::size_t> ends_; ///< [device][first]
    std::vector<std::size_t> capacity_;
};

/// The shortest rest of a chain from every (layers done, device). It may enter a device several
/// times, for a price each time. With prices of 0 the result is a lower bound of the time that is
/// still to come, and exact if the order is given. In any order, prices make the bound better
/// (Lagrangian relaxation): a chain enters a device at most once, so its time is at least the
/// length of the shortest priced rest − the sum of the prices of all devices that it has not
/// entered yet.
class ShardBounds {
  public:
    /// Keeps pointers to both arguments; all prices are 0.
    ShardBounds(const LayerCosts& costs, const ShardRules& rules);

    /// Recomputes everything with the present prices.
    void solve();
    [[nodiscard]] std::vector<Nanoseconds>& prices() { return prices_; }
    [[nodiscard]] Nanoseconds price(std::size_t j) const { return prices_[j]; }

    /// Returns the priced time from x on j after i layers to the end of the step.
    [[nodiscard]] Nanoseconds to_go(std::size_t i, std::size_t j) const {
        return paths_.at(2 * i, j);
    }
    /// Does the same for j that has just computed layer i, the first of its shard.
    [[nodiscard]] Nanoseconds after_first(std::size_t i, std::size_t j) const {
        return paths_.at(2 * i + 1, j);
    }
    /// Returns the shortest priced path as shards, beginning with the source's, which may be empty;
    /// empty if there is none.
    [[nodiscard]] std::vector<Shard> path() const;
    /// Returns the length of path() − all prices: a lower bound of the latency of every chain.
    [[nodiscard]] Nanoseconds least() const;

  private:
    [[nodiscard]] Nanoseconds hop(std::size_t i, std::size_t from, std::size_t to) const {
        return rules_->may_follow(from, to) ? costs_->time_after_hop(i, from, to) + prices_[to]
                                            : kNoChain;
    }
    void solve_shards(std::size_t i);
    [[nodiscard]] Shard shard_from(std::size_t i, std::size_t j) const;

    const LayerCosts* costs_;
    const ShardRules* rules_;
    std::vector<Nanoseconds> prices_; ///< per device
    /// Row 2·i: to_go() after i layers; row 2·i + 1: after_first() of layer i.
    LayerPaths<Nanoseconds> paths_;
};

/// Raises the prices of devices that the shortest path enters several times, and lowers those of
/// devices that it does not enter, in `rounds` steps of a subgradient method. `latency` is that of
/// a known chain. Keeps the prices with the best bound and returns the bound.
Nanoseconds raise_prices(
    ShardBounds& bounds, const LayerCosts& costs, Nanoseconds latency, int rounds
);

} // namespace headroom::scheduler
