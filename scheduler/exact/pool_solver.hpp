// The relaxation of one pool with given hosts: place all its units so that (what the ladder costs)
// + Σ prices is least. For a fixed ladder cost every device takes up to a known number of units,
// which is a transportation problem from items to devices. The ladder is climbed event by event;
// each event gives one device room for one more unit, after which one shortest augmenting path
// restores the optimum.
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

    /// A pool in a domain, at prices: price[item of the pool][device], infinite: not there.
    void load(
        const Tables& tables,
        const Domain& domain,
        std::size_t pool,
        const std::vector<double>& price
    );
    /// per unit on a device, beside the prices; proj's device matters by formula alone.
    void surcharge(const Tables& tables, std::size_t proj);

    /// The least total, infinite if the units cannot be placed; not more exactly than that it is
    /// not below `stop`.
    [[nodiscard]] double solve(const Ladder& ladder, const Interval& time, double stop);

    /// The ladder costs in `time` at which the total can be below `limit`; empty (least > most) if
    /// at none. Units as of solve() are left alone.
    void widen(const Ladder& ladder, const Interval& time, double limit, Interval& costs);

    /// Of the last solve() that was below its `stop`: units per item and device.
    [[nodiscard]] const std::vector<std::int32_t>& units() const { return best_units_; }

  private:
    bool augment(std::size_t to, std::int32_t room);
    void find_paths(std::size_t to);
    [[nodiscard]] double step_price(std::size_t a, std::size_t b, std::size_t& item) const;
    void start();
    template <class Take>
    void climb(const Ladder& ladder, const Interval& time, const Take& take);

    std::size_t devices_;
    std::size_t items_ = 0;
    std::int32_t all_ = 0;
    std::vector<double> base_;        ///< [item][device]
    std::vector<double> price_;       ///< base_ + surcharge
    std::vector<std::int32_t> low_;   ///< [item][device]
    std::vector<std::int32_t> high_;  ///< [item][device]
    std::vector<std::int32_t> count_; ///< [item]
    double least_total_ = 0;          ///< without the ladder's limits

    std::vector<std::int32_t> at_;      ///< [item][device]
    std::vector<std::int32_t> waiting_; ///< [item] units not yet placed
    std::int32_t unplaced_ = 0;
    std::vector<std::int32_t> load_; ///< [device]
    std::vector<std::int32_t> room_; ///< [device]
    double total_ = 0;
    double rounding_ = 0;
    bool rounded_ = false;

    std::vector<double> distance_;
    std::vector<std::size_t> next_;
    std::vector<std::size_t> by_;
    std::vector<std::int32_t> best_units_;
};

} // namespace headroom::scheduler::exact
