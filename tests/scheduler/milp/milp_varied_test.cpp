// Exported programmes with embed and lm_head, tied or not, weights everywhere and look-ahead have
// the optimum of a search of all placements.
#include <cmath>

#include <gtest/gtest.h>

#include "scheduler/milp/milp_export.hpp"
#include "tests/scheduler/exact/exact_enumeration.hpp"
#include "tests/scheduler/instances/device_costs.hpp"
#include "tests/scheduler/milp/lp_solver.hpp"

namespace headroom::scheduler {
namespace {

using testing::Instance;
using testing::InstanceKind;

TEST(MilpExport, has_the_optimum_of_varied_problems) {
    int compared = 0;
    int free_ends = 0;
    for (const InstanceKind kind :
         {InstanceKind::wild,
          InstanceKind::sliced,
          InstanceKind::planted,
          InstanceKind::planted_paper}) {
        for (std::uint64_t seed = 200; seed < 380; ++seed) {
            Instance instance = testing::varied_small_instance(kind, seed, 600);
            const Problem& problem = instance.problem;
            if (seed >= 320) { // rates per weight type and operation overheads have a linear form
                const auto costs = testing::DeviceCosts::choice(1 + seed % 3);
                testing::add_device_costs(instance.problem, costs, seed);
            }
            if (!milp::milp_obstacle(problem).empty()) {
                continue;
            }
            const testing::Optimum optimum = testing::find_optimum(problem);
            const std::vector<std::string> names(problem.snapshot.size(), "d");
            const auto found = testing::solve_lp(milp::milp_text(problem, names));
            ASSERT_EQ(found.has_value(), optimum.feasible)
                << "kind " << static_cast<int>(kind) << " seed " << seed;
            if (!found) {
                continue;
            }
            ++compared;
            free_ends += problem.blocks->shape().has_ends && !problem.ends_at_source ? 1 : 0;
            const double expected = 1e3 * optimum.objective;
            EXPECT_NEAR(found->objective, expected, 1e-6 * expected)
                << "kind " << static_cast<int>(kind) << " seed " << seed;
        }
    }
    EXPECT_GT(compared, 300);
    EXPECT_GT(free_ends, 10);
}

} // namespace
} // namespace headroom::scheduler
