// A box: the set of placements that one node of the exact search stands for. It has a set of
// allowed devices for each host (the device of a proj, ffn or hub), a least and a most number of
// units per item and device, and intervals for D_mig and the time of each pool (tables.hpp defines
// items and pools). propagate() removes values that no fitting placement in the box has.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "scheduler/exact/tables.hpp"

namespace headroom::scheduler::exact {

/// Lagrangian multipliers of the constraints that the relaxation drops: first the memory of each
/// device, in ns per memory_scale, then the lanes (links and storages), in ns per lane_scale.
using Multipliers = std::vector<double>;

struct Interval {
    double least = 0;
    double most = kInfinite;
};

struct Domain {
    std::vector<std::uint64_t> chain; ///< [position]: allowed devices
    std::vector<std::uint64_t> proj;  ///< [layer]: allowed devices; only in granularity `paper`
    std::vector<Interval> time;       ///< [pool]: allowed time of the pool
    Interval migration{0, 0};         ///< D_mig; 0 under cost profile `paper`, see Item::charge
    std::vector<std::int32_t> least;  ///< [item][device]: fewest units
    std::vector<std::int32_t> most;   ///< [item][device]: most units
    std::vector<double> room;         ///< [device]: most bytes that blocks can fill
    Multipliers multipliers;
    double bound = 0;        ///< no placement in the box that fits has a smaller objective
    std::int64_t serial = 0; ///< order of creation

    /// Returns whether the box has one placement only, apart from exchanges of equal blocks.
    [[nodiscard]] bool single() const { return hosts_fixed() && least == most; }
    [[nodiscard]] bool hosts_fixed() const;
};

/// Returns the box of all placements with D_mig up to `worst`.
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

/// Returns whether the item can move to d with D_mig at most `limit`.
[[nodiscard]] bool reachable(const Tables& tables, const Item& item, std::size_t d, double limit);

/// Removes what memory, D_mig or ladders exclude. Returns false if the box is then empty.
[[nodiscard]] bool propagate(const Tables& tables, Domain& domain);

} // namespace headroom::scheduler::exact
