// Computes a lower bound of the objective of all placements that fit, also for large fleets, for
// which the bounds of exact/relaxation.hpp take too long. Prices (Lagrangian multipliers) replace
// the constraints between layers, and nothing is split into cases but D_mig.
//
// Why this is a bound. Let x be a placement that fits, with D_mig(x) and with T(x), the steps times
// D_inf or D_T. Let m ≥ 0 be a price per byte of each device, h ≥ 0 a price per ffn of each device,
// and v ≥ 0 a weight of each lane (a link or a storage) with Σ v ≤ 1. Then
//  - the blocks on device j take use_j(x) ≤ K_j bytes;
//  - device j has count_j(x) ≤ c_j ffns, where c_j is K_j over the bytes of the smallest ffn,
//    rounded down. This follows from the line before; but once prices replace the constraints, it
//    says more, because there K_j may be used up by a fraction of an ffn;
//  - D_mig(x) is at least the busy time of every lane, so D_mig(x) ≥ Σ v_k·busy_k(x). Latencies,
//    overheads, caps and shared media only add to it. Under cost profile `paper` D_mig(x) is a sum
//    over blocks as it is.
// Hence objective(x) ≥ T(x) + Σ v_k·busy_k(x) + Σ m_j·(use_j(x) − K_j) + Σ h_j·(count_j(x) − c_j).
// The right side separates into layers that only share the devices of ffns or hubs, so
// layer_chain.hpp can minimise it, or bound the minimum from below, over all placements, fitting or
// not. It also uses what a layer alone implies: a device holds no block, and no number of units
// beside its own hosts, that does not fit by itself.
//
// A known objective U makes the bound better: a placement below U has D_mig < U − T, and T is at
// least the minimum without D_mig. So a block whose move alone takes longer may not move. In fleets
// of up to 64 devices the placements are then divided by their D_mig. If D_mig is between s and t,
// Σ v may be any number, because D_mig ≥ Σ v_k·busy_k + (1 − Σ v)·D_mig, which is least at s or t.
// The lowest bound of all parts counts.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>

#include "scheduler/core/problem.hpp"

namespace headroom::scheduler {

struct RootBoundSettings {
    /// The objective in seconds of a placement that fits, if one is known.
    double known = std::numeric_limits<double>::infinity();
    /// How much work the improvement of prices may take; one unit takes about a microsecond. 0
    /// stands for 1.2 million, and with more than 64 devices for 6 million.
    std::int64_t effort = 0;
};

struct RootBound {
    /// No placement that fits has a smaller objective (in seconds). Infinite: none fits.
    double seconds = 0;
    std::int64_t iterations = 0; ///< number of sets of prices that were tried
};

/// The largest fleet for which root_bound() computes a bound. Its tables have a few numbers per
/// pair of devices.
inline constexpr std::size_t kMostBoundedDevices = 2048;

/// Returns the bound, or nothing if the relaxation does not cover the problem: a ring all-reduce,
/// an objective that counts rounds of several sequences, or more devices than
/// kMostBoundedDevices.
[[nodiscard]] std::optional<RootBound> root_bound(
    const Problem& problem, const RootBoundSettings& settings = {}
);

} // namespace headroom::scheduler
