// The root bound is never above the optimum of problems that vary in everything.
#include <limits>

#include <gtest/gtest.h>

#include "scheduler/bounds/root_bound.hpp"
#include "tests/scheduler/bounds/bound_series.hpp"
#include "tests/scheduler/exact/exact_enumeration.hpp"
#include "tests/scheduler/instances/device_costs.hpp"

namespace headroom::scheduler {
namespace {

using testing::BoundSeries;
using testing::Instance;
using testing::InstanceKind;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// Embed and lm_head, tied or not, pinned or not; caps; rates of 0; weights everywhere; look-ahead;
/// the last seeds with rates per weight type, overheads and media.
TEST(RootBound, is_not_above_the_optimum_of_varied_problems) {
    for (const InstanceKind kind :
         {InstanceKind::planted,
          InstanceKind::planted_paper,
          InstanceKind::wild,
          InstanceKind::capped,
          InstanceKind::stalled,
          InstanceKind::sliced}) {
        BoundSeries series;
        for (std::uint64_t seed = 500; seed < 650; ++seed) {
            Instance instance = testing::varied_small_instance(kind, seed, 1000);
            if (seed >= 560) {
                const auto costs = testing::DeviceCosts::choice(1 + seed % 15);
                testing::add_device_costs(instance.problem, costs, seed);
            }
            const testing::Optimum optimum = testing::find_optimum(instance.problem);
            check_bound(
                instance.problem, optimum.feasible ? optimum.objective : kInfinity, seed, series
            );
            if (optimum.feasible) {
                EXPECT_LT(root_bound(instance.problem)->seconds, kInfinity) << "seed " << seed;
            }
        }
        EXPECT_GT(series.checked, 20) << "kind " << static_cast<int>(kind);
        EXPECT_GT(series.caught, 5) << "kind " << static_cast<int>(kind);
    }
}

} // namespace
} // namespace headroom::scheduler
