// The prices (Lagrangian multipliers) that replace the constraints between layers. root_bound.hpp
// says why the result is a bound.
#pragma once

#include <cstddef>
#include <vector>

#include "scheduler/bounds/relaxed_costs.hpp"

namespace headroom::scheduler::bounds {

struct Prices {
    std::vector<double> memory;  ///< [device]: ns per byte
    std::vector<double> hosting; ///< [device]: ns per ffn, see root_bound.hpp
    /// Share of D_mig of each link [to][from], then of each device's storage; empty if nothing can
    /// be moved.
    std::vector<double> lane;
    /// A block whose move alone takes longer (in ns) costs `forbidden` there.
    double longest_move = 0;
    double forbidden = 0;
};

/// Returns the price of moving a block of this size between two devices, which may be equal.
[[nodiscard]] inline double move_price(
    const RelaxedCosts& costs,
    const Prices& prices,
    const BlockSize& size,
    std::size_t from,
    std::size_t to
) {
    if (from == kNowhere || from == to) {
        return 0;
    }
    const double sent = costs.move_time(size.message, from, to);
    if (costs.by_formula()) {
        return sent <= prices.longest_move ? sent : prices.forbidden;
    }
    const double loaded = size.load > 0 ? costs.load_time(size.load, to) : 0;
    if (sent > prices.longest_move || loaded > prices.longest_move) {
        return prices.forbidden;
    }
    return prices.lane[to * costs.devices() + from] * sent +
           prices.lane[costs.devices() * costs.devices() + to] * loaded;
}

} // namespace headroom::scheduler::bounds
