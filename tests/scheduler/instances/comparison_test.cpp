// resource_aware against the published method, under both cost profiles. bench/compare_policies
// does the same over as many instances as one likes.
#include <iostream>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/scheduler/instances/comparison.hpp"

namespace headroom::scheduler {
namespace {

using testing::answers;
using testing::compare;
using testing::Comparison;
using testing::complaint;
using ::testing::HasSubstr;

#ifdef NDEBUG
constexpr std::uint64_t kComparedCount = 81; // every cell of the definition once
#else
constexpr std::uint64_t kComparedCount =
    9; // unoptimised and sanitised, a search takes forty times as long
#endif

class AgainstPaper : public ::testing::TestWithParam<CostProfile> {};

TEST_P(AgainstPaper, resource_aware_is_better_and_the_check_can_fail) {
    const testing::InstanceSeries series{GetParam(), 0, kComparedCount};
    const auto ours = answers(PolicyKind::resource_aware, series);
    const auto theirs = answers(PolicyKind::paper, series);
    const Comparison comparison = compare(ours, theirs);
    std::cout << "geometric mean " << comparison.geometric_mean << ", worst " << comparison.worst
              << ", best " << comparison.best << '\n';
    EXPECT_EQ(complaint(comparison), "");
    EXPECT_EQ(comparison.number, static_cast<int>(kComparedCount));
    // Negative twin: with the two exchanged, the same check complains.
    const std::string exchanged = complaint(compare(theirs, ours));
    EXPECT_THAT(exchanged, HasSubstr("geometric mean 1."));
    EXPECT_THAT(exchanged, HasSubstr(" at seed "));
}

INSTANTIATE_TEST_SUITE_P(
    Profiles,
    AgainstPaper,
    ::testing::Values(CostProfile::physical, CostProfile::paper),
    [](const auto& profile) {
        return profile.param == CostProfile::physical ? "physical" : "paper";
    }
);

TEST(Comparison, adds_up_and_reports_each_fault) {
    // Ratios 2/4 and 2/1: the geometric mean is 1, the worst 2 at seed 8.
    const std::vector<testing::Answer> theirs = {
        {7, true, true, 4.0}, {8, true, true, 1.0}, {9, true, true, 1.0}, {10, false, true, 0.0}};
    std::vector<testing::Answer> ours = {
        {7, true, true, 2.0}, {8, true, true, 2.0}, {9, false, true, 0.0}, {10, true, true, 1.0}};
    Comparison comparison = compare(ours, theirs);
    EXPECT_EQ(comparison.number, 2);
    EXPECT_DOUBLE_EQ(comparison.geometric_mean, 1.0);
    EXPECT_EQ(comparison.worst, 2.0);
    EXPECT_EQ(comparison.worst_seed, 8U);
    EXPECT_EQ(comparison.best, 0.5);
    EXPECT_EQ(comparison.ours_infeasible, 1);
    EXPECT_EQ(comparison.theirs_infeasible, 1);
    ours[0].accepted = false;
    EXPECT_EQ(
        complaint(compare(ours, theirs)),
        "geometric mean 1.0000; 2.0000 at seed 8; 1 infeasible answers; 1 placements refused; "
    );
}

} // namespace
} // namespace headroom::scheduler
