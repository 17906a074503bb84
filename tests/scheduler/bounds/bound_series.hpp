// Checks root bounds against known optima, and counts how near they are.
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>

#include <gtest/gtest.h>

#include "scheduler/bounds/root_bound.hpp"

namespace headroom::scheduler::testing {

[[nodiscard]] inline bool holds(double bound, double optimum) {
    return bound <= optimum * (1 + 1e-9);
}

struct BoundSeries {
    int checked = 0;
    int near = 0;   ///< bounds above 0.99 of the optimum
    int caught = 0; ///< bounds that are found wrong when they are raised by a tenth (twin)
};

/// Checks the bound of one problem without a known objective and with two of them. `optimum` is in
/// seconds, and infinite if nothing fits or no step ends.
inline void check_bound(
    const Problem& problem, double optimum, std::uint64_t seed, BoundSeries& series
) {
    for (const double known : {std::numeric_limits<double>::infinity(), optimum, 1.3 * optimum}) {
        const auto bound = root_bound(problem, {.known = known, .effort = 20'000});
        ASSERT_TRUE(bound);
        EXPECT_TRUE(holds(bound->seconds, optimum))
            << bound->seconds << " > " << optimum << ", seed " << seed << ", known " << known;
        EXPECT_GE(bound->seconds, 0);
        if (std::isfinite(optimum)) {
            ++series.checked;
            series.near += bound->seconds > 0.99 * optimum ? 1 : 0;
            series.caught += holds(1.1 * bound->seconds, optimum) ? 0 : 1;
        }
    }
}

} // namespace headroom::scheduler::testing
