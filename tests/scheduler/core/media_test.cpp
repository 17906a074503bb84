// How the messages of a phase share media.
#include <gtest/gtest.h>

#include "scheduler/core/media.hpp"
#include "tests/scheduler/instances/fleets.hpp"

namespace headroom::scheduler {
namespace {

constexpr DeviceId kFirst{0};
constexpr DeviceId kSecond{1};
constexpr DeviceId kThird{2};
constexpr DeviceId kOther{3};
constexpr DeviceId kWired{4};

TEST(MediumOf, has_the_medium_of_each_device_and_is_empty_without_media) {
    Fleet fleet = testing::equal_fleet(3, 1, 1000, 5);
    EXPECT_TRUE(medium_of(fleet).empty());
    EXPECT_TRUE(medium_of(take_snapshot(fleet, 0, 0)).empty());
    fleet.media.assign(2, testing::constant_profile(7));
    fleet.devices[1].medium = 1;
    EXPECT_EQ(medium_of(fleet), (MediumOf{kNoMedium, 1, kNoMedium}));
    EXPECT_EQ(medium_of(take_snapshot(fleet, 0, 0)), medium_of(fleet));
}

TEST(PhaseShares, count_the_ends_of_distinct_links) {
    const MediumOf media{0, 0, 0, 1, kNoMedium};
    PhaseShares phase(media);
    phase.add(kFirst, kSecond);
    EXPECT_EQ(phase.of(kFirst, kSecond), (MediaShares{2, 0})) << "through the access point";
    phase.add(kFirst, kSecond);
    EXPECT_EQ(phase.of(kFirst, kSecond), (MediaShares{2, 0})) << "the same link again";
    phase.add(kSecond, kFirst);
    EXPECT_EQ(phase.of(kFirst, kSecond), (MediaShares{4, 0}))
        << "the other direction is another link";
    phase.add(kThird, kOther);
    EXPECT_EQ(phase.of(kFirst, kSecond), (MediaShares{5, 0}));
    EXPECT_EQ(phase.of(kThird, kOther), (MediaShares{5, 1}));
    phase.add(kWired, kOther);
    EXPECT_EQ(phase.of(kThird, kOther), (MediaShares{5, 2}));
    EXPECT_EQ(phase.of(kWired, kOther), (MediaShares{0, 2}));
    phase.add(kFirst, kWired);
    EXPECT_EQ(phase.of(kFirst, kWired), (MediaShares{6, 0}));
}

TEST(PhaseShares, are_none_without_media) {
    const MediumOf none;
    PhaseShares phase(none);
    phase.add(kFirst, kSecond);
    EXPECT_EQ(phase.of(kFirst, kSecond), MediaShares{});
}

} // namespace
} // namespace headroom::scheduler
