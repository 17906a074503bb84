// Which cuts of a layer are possible, and the problems of the others.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/check.hpp"
#include "scheduler/core/blocks.hpp"
#include "tests/scheduler/instances/fleets.hpp"

namespace headroom::scheduler {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// A shape with F 128.
std::vector<std::string> problems(const Cut& cut) {
    return cut.problems(testing::example_shape());
}

TEST(Cut, may_have_any_number_of_equal_slices) {
    EXPECT_THAT(problems({}), IsEmpty());
    for (const std::int32_t slices : {1, 2, 64, 128}) {
        EXPECT_THAT(problems({Granularity::sliced, slices}), IsEmpty()) << slices;
        EXPECT_THAT(problems({Granularity::sliced, slices, Reduce::ring}), IsEmpty()) << slices;
    }
}

TEST(Cut, names_each_thing_that_is_wrong) {
    for (const std::int32_t slices : {0, -1, 3, 256}) {
        EXPECT_THAT(
            problems({Granularity::sliced, slices}),
            ElementsAre(HasSubstr(
                "an FFN 128 wide cannot be cut into " + std::to_string(slices) + " equal slices"
            ))
        );
    }
    EXPECT_THAT(
        problems({Granularity::paper, 2, Reduce::ring}),
        ElementsAre(
            HasSubstr("granularity paper has no slices, not 2"),
            HasSubstr("no partial sums for a ring")
        )
    );
}

TEST(Cut, that_is_impossible_makes_no_blocks) {
    EXPECT_THROW(Blocks(testing::example_shape(), {Granularity::sliced, 3}), Bug);
    EXPECT_THROW(Blocks(testing::example_shape(), {Granularity::paper, 2}), Bug);
}

TEST(Cut, has_names) {
    EXPECT_EQ(name_of(Granularity::paper), "paper");
    EXPECT_EQ(name_of(Granularity::sliced), "sliced");
    EXPECT_EQ(name_of(Reduce::hub), "hub");
    EXPECT_EQ(name_of(Reduce::ring), "ring");
}

} // namespace
} // namespace headroom::scheduler
