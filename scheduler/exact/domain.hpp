// A box of placements: what a node of the exact search stands for. Hosts are sets of devices, the
// units of every item have least and most counts per device, a pool's time and D_mig lie in
// intervals. `propagate` drops what cannot belong to any placement that fits.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "scheduler/exact/tables.hpp"

namespace headroom::scheduler::exact {

/// Prices of the constraints that the relaxation drops: memory per device, in ns per scale of
/// memory; lanes, in ns per lane_scale.
using Multipliers = std::vector<double>;

struct Interval {
    double least = 0;
    double most = kInfinite;
};

struct Domain {
    std::vector<std::uint64_t> chain; ///< [position] allowed devices
    std::vector<std::uint64_t> proj;  ///< [layer]; granularity `paper`
    std::vector<Interval> time;       ///< [pool] what its ladder costs
    Interval migration{0, 0};         ///< D_mig; by formula: 0, items' charges stand for it
    std::vector<std::int32_t> least;  ///< [item][device]
    std::vector<std::int32_t> most;   ///< [item][device]
    std::vector<double> room;         ///< [device] most bytes that can be filled; by propagate
    Multipliers multipliers;
    double bound = 0;        ///< no placement in the box that fits has a smaller objective
    std::int64_t serial = 0; ///< order of creation

    /// Every decision is taken: one placement but for the exchange of equal blocks.
    [[nodiscard]] bool single() const;
};

/// All placements. worst: most that D_mig may be.
[[nodiscard]] Domain whole(const Tables& tables, double worst);

[[nodiscard]] inline bool one(std::uint64_t mask) {
    return std::has_single_bit(mask);
}
[[nodiscard]] inline std::size_t lowest(std::uint64_t mask) {
    return static_cast<std::size_t>(std::countr_zero(mask));
}
[[nodiscard]] inline bool has(std::uint64_t mask, std::size_t d) {
    return (mask >> d & 1U) != 0;
}

/// Whether the item can move to d at all while D_mig is at most `limit`.
[[nodiscard]] bool reachable(const Tables& tables, const Item& item, std::size_t d, double limit);

/// Drops hosts and counts that memory, D_mig and the ladders exclude; false: nothing is left.
[[nodiscard]] bool propagate(const Tables& tables, Domain& domain);

} // namespace headroom::scheduler::exact
