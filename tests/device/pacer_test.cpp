// Pacing waits until virtual time times scale and says how late the host is.
#include <chrono>
#include <vector>

#include <gtest/gtest.h>

#include "device/pacer.hpp"

namespace headroom::device {
namespace {

TEST(Pacer, asks_for_the_moment_that_virtual_time_times_scale_stands_for) {
    std::vector<Pacer::TimePoint> asked;
    Pacer pacer(2.0, [&](Pacer::TimePoint due) { asked.push_back(due); });
    pacer.start();
    pacer.wait_until(5 * kSecond);
    pacer.wait_until(7 * kSecond);
    ASSERT_EQ(asked.size(), 2U);
    EXPECT_EQ(asked[1] - asked[0], std::chrono::seconds(4));
    EXPECT_EQ(pacer.lateness_max(), 0);
}

TEST(Pacer, notes_lateness_instead_of_waiting_when_the_time_has_passed) {
    int sleeps = 0;
    Pacer pacer(1.0, [&](Pacer::TimePoint) { ++sleeps; });
    pacer.start();
    pacer.wait_until(-kSecond);
    EXPECT_EQ(sleeps, 0);
    EXPECT_GE(pacer.lateness_max(), kSecond);
}

TEST(Pacer, never_waits_on_the_virtual_clock) {
    Pacer pacer;
    pacer.start();
    pacer.wait_until(1000 * kSecond);
    EXPECT_FALSE(pacer.is_paced());
}

} // namespace
} // namespace headroom::device
