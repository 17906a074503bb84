// Places the units of one pool at the least cost, for given hosts and prices: the time until the
// target (proj or hub) has all outputs, plus the prices of the units. Events say at which times a
// device can take one more unit. They come from a heap, because in large fleets the earliest few of
// very many are needed. The units are placed by PoolSolver (exact/pool_solver.hpp), or, where that
// takes too long, by device.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "scheduler/bounds/prices.hpp"
#include "scheduler/bounds/relaxed_costs.hpp"
#include "scheduler/exact/pool_solver.hpp"

namespace headroom::scheduler::bounds {

/// The hosts of a layer on which the times of a pool depend. Under cost profile `paper`, `holder`
/// is the device of the layer's own ffn, whose FLOP count for T_budget. With kNowhere for the
/// target (`physical`) or the holder (`paper`) the result is a lower bound for all such devices.
struct Hosts {
    std::size_t holder = kNowhere;
    std::size_t target = kNowhere;
    Bytes holder_bytes = 0; ///< bytes that the holder's block takes on its device
    Bytes target_bytes = 0; ///< bytes that the target's block takes on its device
};

/// Lower bounds of the prices of moves: on a device, as many units as were there before cost
/// nothing, and each further unit costs at least `extra`. Empty vectors stand for no prices.
struct MoveBounds {
    std::vector<std::int32_t> at_home; ///< [device]
    std::vector<double> extra;         ///< [device]
    std::vector<std::size_t> item;     ///< [device]: the item with this price
    std::vector<std::size_t> home;     ///< [device]: the item that was there; none: undefined
};
[[nodiscard]] MoveBounds move_bounds(
    const RelaxedCosts& costs, const PoolUnits& pool, const Prices& prices
);

class UnitPool {
  public:
    explicit UnitPool(const RelaxedCosts& costs);

    /// `count` units with this index in PoolUnits::by_origin are on the device.
    struct Cell {
        std::size_t item = 0;
        std::size_t device = 0;
        std::int32_t count = 0;
    };
    struct Solution {
        double cost = 0;
        std::vector<Cell> cells;
    };

    /// Returns the least cost, or infinity if the units do not fit.
    [[nodiscard]] const Solution& solve(
        const PoolUnits& pool, const Hosts& hosts, const Prices& prices
    );
    /// Returns a lower bound of the least cost, and its units: the least cost with MoveBounds in
    /// place of the prices of moves. This takes less time than solve().
    [[nodiscard]] const Solution& solve_by_device(
        const PoolUnits& pool, const Hosts& hosts, const Prices& prices, const MoveBounds& moves
    );

    /// Returns the steps done since the last call, of about two nanoseconds each.
    [[nodiscard]] std::int64_t take_steps() { return std::exchange(steps_, 0); }

  private:
    /// The device can take its n-th unit if the pool may take this time.
    struct Event {
        double time = 0;
        std::size_t device = 0;
        std::int32_t n = 0;
    };
    void start(const PoolUnits& pool, const Hosts& hosts, const Prices& prices);
    [[nodiscard]] double time(std::size_t d, std::int32_t n) const;
    [[nodiscard]] std::int32_t room(std::size_t d) const;
    [[nodiscard]] Event next_event();
    [[nodiscard]] double least_total(const MoveBounds& moves) const;
    const RelaxedCosts& costs_;
    const PoolUnits* pool_ = nullptr;
    Hosts hosts_;
    const std::vector<double>* each_ = nullptr; ///< [device]: the time of one unit
    double base_ = 0;                           ///< least time of the pool
    double least_price_ = 0;
    std::vector<double> price_; ///< [device]: of one unit, without moves
    std::vector<Event> events_; ///< a heap, the earliest first
    exact::PoolSolver transport_;
    std::int64_t counted_ = 0; ///< operations of transport_ that steps_ has counted
    std::int64_t steps_ = 0;
    Solution solution_;
};

} // namespace headroom::scheduler::bounds
