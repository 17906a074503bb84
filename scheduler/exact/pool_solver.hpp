// Solves the relaxation of one pool (all groups or all slices of a layer) with given hosts: places
// all units so that the ladder's cost plus the sum of prices is minimal. A ladder (tables.hpp) says
// how many units each device can take within a given cost, so for a fixed cost this is a
// transportation problem from items to devices. The solver goes through the events of the ladder.
// Each event gives one device room for one more unit, and a shortest augmenting path restores the
// optimum. Items with equal prices are merged, so that there are few. The root bound
// (bounds/unit_pool.hpp) makes the same steps with events that it computes one by one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "scheduler/exact/domain.hpp"
#include "scheduler/exact/tables.hpp"

namespace headroom::scheduler::exact {

class PoolSolver {
  public:
    explicit PoolSolver(std::size_t devices) : devices_(devices) {}

    /// Loads a pool of a box with price[item of the pool][device]. An infinite price excludes the
    /// device.
    void load(
        const Tables& tables,
        const Domain& domain,
        std::size_t pool,
        const std::vector<double>& price
    );
    /// The same without a box: counts[item] units with this previous device each, or kNowhere.
    void load(
        const std::vector<std::int32_t>& counts,
        const std::vector<std::size_t>& origins,
        const std::vector<double>& price
    );
    /// Adds the costs per unit of the published formula, which depend on the device of proj.
    void surcharge(const Tables& tables, std::size_t proj);

    /// Returns the least sum of prices of all units if each may take any device: a lower bound.
    [[nodiscard]] double least_prices();
    /// Returns the least total cost of placing all units, or `stop` if no cost is below `stop`.
    [[nodiscard]] double solve(const Ladder& ladder, const Interval& time, double stop);

    /// Starts a solution in which no device has room for a unit.
    void start();
    /// Gives a device room for one more unit and restores the optimum. Returns whether all units
    /// are placed. total() is then the least sum of prices, which is never below least_total().
    bool admit(std::size_t device);
    [[nodiscard]] double least_total() const { return least_total_; }
    [[nodiscard]] double total() const { return rounded_ ? least_total_ : total_; }
    /// Keeps the present units for units().
    void keep() { best_units_ = at_; }

    /// Widens `costs` to all ladder costs in `time` with which the total can be below `limit`.
    void widen(const Ladder& ladder, const Interval& time, double limit, Interval& costs);

    /// Returns the number of elementary operations so far.
    [[nodiscard]] std::int64_t operations() const { return operations_; }

    /// Returns the units per item and device of the last solve() with a result below its `stop`, or
    /// of the last keep().
    /// Of merged items, units stay on their previous device where that is possible.
    [[nodiscard]] std::vector<std::int32_t> units() const;

  private:
    bool augment(std::size_t to, std::int32_t room);
    bool augment_directly(std::size_t to, std::int32_t room);
    void find_paths(std::size_t to);
    void change(std::size_t cell, std::int32_t by);
    void clear();
    void add_item(const double* price, const std::int32_t* low, std::int32_t count);
    void resize();

    std::size_t devices_;
    std::int64_t operations_ = 0;
    std::size_t items_ = 0;
    std::vector<std::size_t> origin_; ///< [item of the pool]
    std::vector<std::int32_t> size_;  ///< [item of the pool]: number of units
    std::vector<std::size_t> merged_; ///< [item of the pool]: index among the merged items
    std::vector<char> free_;          ///< [merged item]: 1 if the box does not limit its counts

    std::int32_t all_ = 0;
    std::vector<double> base_;        ///< [item][device]
    std::vector<double> price_;       ///< base_ + surcharge
    std::vector<std::int32_t> low_;   ///< [item][device]
    std::vector<std::int32_t> high_;  ///< [item][device]
    std::vector<std::int32_t> limit_; ///< [device]: of the item that is added
    std::vector<std::int32_t> count_; ///< [item]
    double least_total_ = 0;          ///< the least total without the limits of the ladder

    std::vector<std::int32_t> at_;      ///< [item][device]
    std::vector<double> taking_;        ///< price_, infinite where there may be no more units
    std::vector<double> giving_;        ///< price_, negatively infinite where no unit can leave
    std::vector<std::int32_t> waiting_; ///< [item] units not yet placed
    std::int32_t unplaced_ = 0;
    std::int32_t reach_ = 0;         ///< number of units for which devices have room
    std::int32_t missing_ = 0;       ///< units that must be on devices without room for them yet
    std::vector<std::int32_t> load_; ///< [device]
    std::vector<std::int32_t> room_; ///< [device]
    double total_ = 0;
    double rounding_ = 0;
    bool rounded_ = false;

    std::vector<std::size_t> new_devices_; ///< devices whose distance has become shorter
    std::vector<std::size_t> new_items_;   ///< items whose distance has become shorter
    std::vector<double> item_distance_;    ///< [item]: cost from a unit of the item to the device
    std::vector<std::size_t> item_next_;   ///< [item]: the next device on this path
    std::vector<double> distance_;
    std::vector<std::size_t> next_;
    std::vector<std::size_t> by_;
    std::vector<std::int32_t> best_units_;
};

} // namespace headroom::scheduler::exact
