// The exported programmes have the enumerated optimum: GLPK reads and solves them.
#include <cmath>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "scheduler/milp/linear_programme.hpp"
#include "scheduler/milp/milp_export.hpp"
#include "scheduler/policies/exact.hpp"
#include "scheduler/timing/evaluate.hpp"
#include "tests/scheduler/exact/enumeration.hpp"
#include "tests/scheduler/milp/lp_solver.hpp"

namespace headroom::scheduler {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::Instance;
using testing::SmallInstanceSpec;
using testing::solve_lp;

/// GLPK stops at a gap of 1e-7; the rest is the rounding of its feasibility.
constexpr double kGap = 1e-6;
constexpr double kMsPerSecond = 1e3;

std::vector<std::string> names_of(const Problem& problem) {
    std::vector<std::string> names;
    for (std::size_t d = 0; d < problem.snapshot.size(); ++d) {
        names.push_back(fmt::format("pi-{}", d));
    }
    return names;
}

TEST(MilpExport, has_the_enumerated_optimum) {
    int infeasible = 0;
    for (const SmallInstanceSpec kind :
         {SmallInstanceSpec{CostProfile::physical, Granularity::paper, 3000},
          SmallInstanceSpec{CostProfile::paper, Granularity::paper, 3000},
          SmallInstanceSpec{CostProfile::physical, Granularity::sliced, 3000}}) {
        for (std::uint64_t seed = 0; seed < 30; ++seed) {
            const Instance instance = testing::small_instance(kind, seed);
            const auto expected = testing::enumerate(instance.problem);
            const auto found =
                solve_lp(milp::milp_text(instance.problem, names_of(instance.problem)));
            ASSERT_EQ(found.has_value(), expected.feasible > 0) << "seed " << seed;
            infeasible += found ? 0 : 1;
            if (found) {
                EXPECT_NEAR(
                    found->objective,
                    kMsPerSecond * expected.objective,
                    kGap * kMsPerSecond * expected.objective
                ) << "seed "
                  << seed << " kind " << static_cast<int>(kind.profile)
                  << static_cast<int>(kind.granularity);
            }
        }
    }
    EXPECT_GT(infeasible, 0);
}

/// Multiplies the coefficients of the variables that begin with `name` in rows that begin with
/// `row` by 1.01.
std::string spoilt(const std::string& text, const std::string& row, const std::string& name) {
    std::string result;
    std::string part;
    std::string last; // the number before a name
    bool inside = false;
    for (std::size_t i = 0; i < text.size();) {
        const std::size_t end = std::min(text.find_first_of(" \n", i), text.size());
        part = text.substr(i, end - i);
        if (!part.empty() && part.back() == ':') {
            inside = part.compare(0, row.size(), row) == 0;
        }
        if (inside && !last.empty() && part.compare(0, name.size(), name) == 0) {
            result.resize(result.size() - last.size() - 1);
            result += fmt::format("{} ", 1.01 * std::stod(last));
        }
        last = !part.empty() && std::isdigit(static_cast<unsigned char>(part[0])) != 0 ? part : "";
        result += part;
        if (end < text.size()) {
            result += text[end];
        }
        i = end + 1;
    }
    return result;
}

/// Twin: a coefficient that is wrong by a hundredth is noticed in each kind of row.
TEST(MilpExport, with_a_wrong_coefficient_is_noticed) {
    struct Mistake {
        CostProfile profile;
        const char* row;
        const char* name;
    };
    for (const Mistake& mistake :
         {Mistake{CostProfile::physical, "wait_", "is_n"},
          Mistake{CostProfile::physical, "objective", "y_"},
          Mistake{CostProfile::physical, "objective", "proj_"},
          Mistake{CostProfile::physical, "memory_", "ffn_"},
          Mistake{CostProfile::physical, "lane_", "ffn_"},
          Mistake{CostProfile::paper, "wait_", "n_"},
          Mistake{CostProfile::paper, "objective", "out_"}}) {
        int noticed = 0;
        for (std::uint64_t seed = 0; seed < 60 && noticed == 0; ++seed) {
            const Instance instance =
                testing::small_instance({mistake.profile, Granularity::paper, 1000}, seed);
            const std::string text = milp::milp_text(instance.problem, names_of(instance.problem));
            const auto right = solve_lp(text);
            const auto wrong = solve_lp(spoilt(text, mistake.row, mistake.name));
            const bool both = right && wrong;
            noticed += right.has_value() != wrong.has_value() ||
                               (both && std::abs(wrong->objective - right->objective) >
                                            10 * kGap * right->objective)
                           ? 1
                           : 0;
        }
        EXPECT_GT(noticed, 0) << mistake.row << " " << mistake.name;
    }
}

/// A placement that is read from the solution as the comment says has the optimal objective.
TEST(MilpExport, has_a_solution_that_can_be_read) {
    for (std::uint64_t seed = 0; seed < 12; ++seed) {
        Instance instance =
            testing::small_instance({CostProfile::physical, Granularity::paper, 3000}, seed);
        Problem& problem = instance.problem;
        problem.previous.reset();
        const auto found = solve_lp(milp::milp_text(problem, names_of(problem)));
        if (!found) {
            continue;
        }
        const Blocks& blocks = *problem.blocks;
        Placement placement(blocks.size());
        for (std::int32_t l = 0; l < blocks.shape().layers; ++l) {
            std::int32_t next = 0;
            for (std::size_t d = 0; d < problem.snapshot.size(); ++d) {
                const auto value = [&](const char* what) {
                    return std::lround(found->values.at(fmt::format("{}_L{}_pi_{}", what, l, d)));
                };
                for (long n = value("n"); n > 0; --n) {
                    placement[blocks.group(l, next++).index()] = DeviceId(d);
                }
                if (value("proj") == 1) {
                    placement[blocks.proj(l).index()] = DeviceId(d);
                }
                if (value("ffn") == 1) {
                    placement[blocks.ffn(l).index()] = DeviceId(d);
                }
            }
            ASSERT_EQ(next, blocks.groups());
        }
        const double cost = kMsPerSecond * objective(problem, placement);
        EXPECT_NEAR(found->objective, cost, kGap * cost) << "seed " << seed;
    }
}

TEST(MilpExport, has_the_optimum_that_exact_proves) {
    int proven = 0;
    for (std::uint64_t seed = 0; seed < 6; ++seed) {
        const CostProfile profile = seed % 2 == 0 ? CostProfile::paper : CostProfile::physical;
        const Instance instance = testing::planted_instance({3, 1, 8, 1.5}, seed, profile);
        const Decision decision = decide_exact(instance.problem);
        const auto found = solve_lp(milp::milp_text(instance.problem, names_of(instance.problem)));
        ASSERT_TRUE(found);
        const double cost = kMsPerSecond * objective(instance.problem, decision);
        proven += decision.proven ? 1 : 0;
        EXPECT_NEAR(found->objective, cost, kGap * cost) << "seed " << seed;
    }
    EXPECT_EQ(proven, 6);
}

TEST(MilpExport, says_what_has_no_linear_form) {
    Instance instance = testing::planted_instance({3, 1, 8, 3.0}, 5);
    Problem& problem = instance.problem;
    EXPECT_EQ(milp::milp_obstacle(problem), "");
    problem.snapshot.devices[1].egress = 1000;
    EXPECT_THAT(milp::milp_obstacle(problem), HasSubstr("egress"));
    problem.snapshot.devices[1].egress = kUnlimited;
    problem.snapshot.devices[1].operation_overhead = 1000;
    problem.snapshot.devices[1].rates.push_back({WeightType::f32, 1000, 1000, 0});
    EXPECT_EQ(milp::milp_obstacle(problem), "");
    problem.snapshot.devices[1].rates[0].compute = 0;
    EXPECT_THAT(milp::milp_obstacle(problem), HasSubstr("a rate is 0"));
    problem.snapshot.devices[1].rates.clear();
    problem.snapshot.devices[1].message_overhead = 1;
    EXPECT_THAT(milp::milp_obstacle(problem), HasSubstr("message_overhead"));
    problem.snapshot.devices[1].message_overhead = 0;
    problem.snapshot.media = {1'000'000};
    problem.snapshot.devices[1].medium = 0;
    EXPECT_THAT(milp::milp_obstacle(problem), HasSubstr("network.medium"));
    problem.cost_profile = CostProfile::paper;
    EXPECT_EQ(milp::milp_obstacle(problem), "") << "the published formulas know no media";
    problem.cost_profile = CostProfile::physical;
    problem.snapshot.devices[1].medium = kNoMedium;
    problem.snapshot.devices[1].compute = 0;
    EXPECT_THAT(milp::milp_obstacle(problem), HasSubstr("a rate is 0"));
    const Instance large = testing::planted_instance({33, 1, 8, 3.0}, 5);
    EXPECT_THAT(milp::milp_obstacle(large.problem), HasSubstr("33 devices"));
    const Instance many = testing::planted_instance({32, 64, 64, 3.0}, 5);
    EXPECT_THAT(milp::milp_obstacle(many.problem), HasSubstr("million coefficients"));
}

TEST(MilpExport, makes_names_that_solvers_read) {
    EXPECT_THAT(
        milp::lp_names({"pi-5", "pi 5", "é", "_a__b_", "a_bd", ""}),
        ElementsAre("pi_5", "pi_5_2", "d", "a_b_d", "a_bd", "d_2")
    );
}

} // namespace
} // namespace headroom::scheduler
