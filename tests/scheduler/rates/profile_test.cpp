// Loads, profiles and finish(), compared nanosecond by nanosecond with the definitions in
// docs/explanation/time.md#rates-and-finish.
#include <gtest/gtest.h>

#include "base/check.hpp"
#include "base/int128.hpp"
#include "scheduler/rates/profile.hpp"

namespace headroom::scheduler {
namespace {

constexpr PerSecond kPerNs = kSecond; ///< a rate of one unit per nanosecond

/// Computes finish() by adding the rate of every nanosecond. Returns kNever beyond `horizon`.
Nanoseconds brute_force(
    const Profile& profile, Nanoseconds start, std::int64_t work, Nanoseconds horizon
) {
    const UInt128 needed =
        UInt128{static_cast<std::uint64_t>(work)} * static_cast<std::uint64_t>(kSecond);
    UInt128 done = 0;
    Nanoseconds t = start;
    while (done < needed && t < horizon) {
        done += static_cast<std::uint64_t>(profile.at(t, 0).value);
        ++t;
    }
    return done < needed ? kNever : t;
}

/// Returns two profiles for each kind of load, with rates of a few units per nanosecond.
std::vector<Profile> all_kinds() {
    const std::vector<Load> loads{
        {},
        Load::constant(kWhole / 3),
        Load::steps({{10, kWhole}, {25, kWhole / 2}, {40, kWhole}, {41, 0}}),
        Load::uniform(0, kWhole, 3, 11),
        Load::uniform(kWhole / 10, kWhole / 2, 1, 12),
        Load::walk(0, kWhole, kWhole / 4, 5, 13),
    };
    std::vector<Profile> profiles;
    for (const Load& load : loads) {
        profiles.push_back({.base = 3 * kPerNs, .load = load});
        profiles.push_back({
            .base = 7 * kPerNs + 1,
            .scale = {2, 9},
            .load = load,
            .changes = {{.at = 30, .factor = 0}, {.at = 50, .factor = 2 * kWhole}},
        });
    }
    return profiles;
}

TEST(Finish, is_the_earliest_nanosecond_that_has_done_the_work) {
    for (const Profile& profile : all_kinds()) {
        for (Nanoseconds start = 0; start < 60; start += 3) {
            for (const std::int64_t work : {0, 1, 2, 3, 7, 20, 55, 140}) {
                const Nanoseconds expected = brute_force(profile, start, work, 2000);
                ASSERT_NE(expected, kNever);
                EXPECT_EQ(finish(profile, start, work, 0), expected)
                    << "start " << start << " work " << work;
            }
        }
    }
}

TEST(Finish, twin_one_nanosecond_earlier_the_work_is_not_done) {
    const Profile slow{.base = 3 * kPerNs};
    EXPECT_EQ(brute_force(slow, 0, 9, 100), 3);
    EXPECT_EQ(brute_force(slow, 0, 10, 100), 4);
    EXPECT_NE(finish(slow, 0, 10, 0), brute_force(slow, 0, 9, 100));
}

TEST(Finish, of_no_work_or_at_an_unlimited_rate_is_the_start) {
    const Profile nothing{.base = 0};
    EXPECT_EQ(finish(nothing, 17, 0, 0), 17);
    EXPECT_EQ(finish(PerSecond{0}, 17, 0), 17);
    EXPECT_EQ(finish(Profile{}, 17, 1000, 0), 17);
    EXPECT_EQ(finish(kUnlimited, 17, 1000), 17);
    EXPECT_EQ(finish(Profile{.base = 5}, kNever, 1, 0), kNever);
    EXPECT_EQ(finish(PerSecond{5}, kNever, 1), kNever);
}

TEST(Finish, rounds_up_at_a_constant_rate) {
    EXPECT_EQ(finish(PerSecond{3}, 5, 1), 5 + 333'333'334);
    EXPECT_EQ(finish(PerSecond{1'000'000'000}, 0, 13'568), 13'568);
    // 10^18 units at 3·10^9 per second take 10^27 / (3·10^9) ns, rounded up; 10^27 exceeds 64 bits.
    EXPECT_EQ(
        finish(PerSecond{3'000'000'000}, 0, 1'000'000'000'000'000'000), 333'333'333'333'333'334
    );
    for (const std::int64_t work : {1LL, 999LL, 18'446'744'073LL, 18'446'744'074LL}) {
        EXPECT_EQ(finish(PerSecond{977}, 3, work), finish(Profile{.base = 977}, 3, work, 0));
    }
}

TEST(Finish, waits_while_the_rate_is_zero_for_a_while) {
    const Profile pause{.base = kPerNs, .load = Load::steps({{10, kWhole}, {1000, 0}})};
    EXPECT_EQ(finish(pause, 0, 10, 0), 10);
    EXPECT_EQ(finish(pause, 0, 11, 0), 1001);
    EXPECT_EQ(finish(pause, 500, 1, 0), 1001);
}

TEST(Finish, is_never_when_the_rate_stays_zero) {
    const Load random = Load::uniform(0, kWhole / 2, 1, 3);
    EXPECT_EQ(finish(Profile{.base = 0, .load = random}, 0, 1, 0), kNever);
    EXPECT_EQ(finish(PerSecond{0}, 0, 1), kNever);
    const Profile ends{.base = kPerNs, .load = Load::steps({{10, kWhole}})};
    EXPECT_EQ(finish(ends, 0, 11, 0), kNever);
    EXPECT_EQ(finish(Profile{.base = kPerNs, .load = Load::constant(kWhole)}, 0, 1, 0), kNever);
    const Profile dead{.base = kPerNs, .load = random, .changes = {{.at = 50, .factor = 0}}};
    EXPECT_EQ(finish(dead, 60, 1, 0), kNever);
    const Profile left{.base = kPerNs, .load = random, .changes = {{.at_token = 0, .factor = 0}}};
    EXPECT_EQ(finish(left, 0, 1, 0), kNever);
    // Loads of at least 0.9 leave floor(5·0.1) = 0 of a rate of 5.
    const Load heavy = Load::uniform(kWhole * 9 / 10, kWhole, 1, 4);
    EXPECT_EQ(finish(Profile{.base = 5, .load = heavy}, 0, 1, 0), kNever);
    const Load walk = Load::walk(kWhole * 9 / 10, kWhole, kWhole / 50, 1, 4);
    EXPECT_EQ(finish(Profile{.base = 5, .load = walk}, 0, 1, 0), kNever);
}

TEST(Finish, is_never_if_the_rate_is_above_zero_once_in_a_billion_periods) {
    const Profile almost_zero{.base = 1, .load = Load::uniform(0, kWhole, 1, 5)};
    EXPECT_EQ(finish(almost_zero, 0, 1, 0), kNever);
}

TEST(Finish, skips_a_long_pause_without_visiting_its_periods) {
    const Profile pause{
        .base = kPerNs,
        .load = Load::uniform(0, kWhole / 2, 1, 6),
        .changes = {{.at = 0, .factor = 0}, {.at = 1'000'000'000'000'000, .factor = kWhole}},
    };
    const Nanoseconds end = finish(pause, 0, 1, 0);
    EXPECT_GT(end, 1'000'000'000'000'000);
    EXPECT_LE(end, 1'000'000'000'000'002);
}

TEST(Finish, saturates_instead_of_wrapping_around) {
    EXPECT_EQ(finish(PerSecond{1}, kNever - 5, 1), kNever);
    EXPECT_EQ(finish(PerSecond{1}, 0, kUnlimited), kNever);
    EXPECT_EQ(finish(Profile{.base = 1}, kNever - 5, 1, 0), kNever);
    EXPECT_EQ(finish(Profile{.base = 1}, 0, kUnlimited, 0), kNever);
    EXPECT_EQ(after(kNever, 1), kNever);
    EXPECT_EQ(after(1, kNever), kNever);
    EXPECT_EQ(after(3, 4), 7);
}

TEST(Profiles, hold_from_their_breakpoint_inclusive) {
    const Profile profile{
        .base = 100,
        .load = Load::steps({{10, kWhole / 2}}),
        .changes = {{.at = 20, .factor = 3 * kWhole}},
    };
    EXPECT_EQ(profile.at(9, 0).value, 100);
    EXPECT_EQ(profile.at(9, 0).until, 10);
    EXPECT_EQ(profile.at(10, 0).value, 50);
    EXPECT_EQ(profile.at(19, 0).until, 20);
    EXPECT_EQ(profile.at(20, 0).value, 150);
    EXPECT_EQ(profile.at(20, 0).until, kNever);
}

TEST(Profiles, round_once) {
    // floor(10 · 1/3 · 0.5 · 0.7) = floor(1.1666) although floor(10/3)·0.5 would already be 1.
    const Profile profile{
        .base = 10,
        .scale = {1, 3},
        .load = Load::constant(kWhole / 2),
        .changes = {{.at = 0, .factor = kWhole * 7 / 10}, {.at_token = 0, .factor = 2 * kWhole}},
    };
    EXPECT_EQ(profile.at(0, 0).value, 2); // with the token factor: floor(2.333)
    const Profile thirds{.base = 3, .scale = {1, 3}, .load = Load::constant(kWhole / 4)};
    EXPECT_EQ(thirds.at(0, 0).value, 0); // floor(0.75)
    const Profile exact{.base = 30'000'000'000, .scale = {1, 1000}};
    EXPECT_EQ(exact.at(0, 0).value, 30'000'000);
}

TEST(Profiles, reduce_fractions_that_do_not_fit_128_bits) {
    constexpr std::int64_t kBig = 1'000'000'007LL * 1'000'000'009LL;
    const Profile profile{
        .base = 1'000'000'009LL * 1'000'000,
        .scale = {1'000'000'007, kBig},
        .load = Load::constant(kWhole / 2),
        .changes = {{.at = 0, .factor = 3 * kWhole}, {.at_token = 0, .factor = 5 * kWhole}},
    };
    EXPECT_EQ(profile.at(0, 0).value, 7'500'000); // 10^6 · 1/2 · 3 · 5
    const Profile huge{.base = kUnlimited - 1, .scale = {kUnlimited, 1}};
    EXPECT_EQ(huge.at(0, 0).value, kUnlimited - 1) << "a finite rate stays finite";
}

TEST(Profiles, take_the_latest_time_event_and_the_latest_token_event) {
    const Profile profile{
        .base = 1000,
        .changes =
            {{.at = 50, .factor = kWhole / 4},
             {.at = 10, .factor = kWhole / 2},
             {.at_token = 8, .factor = kWhole / 100},
             {.at_token = 3, .factor = kWhole / 10}},
    };
    EXPECT_EQ(profile.at(0, 0).value, 1000);
    EXPECT_EQ(profile.at(10, 2).value, 500);
    EXPECT_EQ(profile.at(10, 3).value, 50); // the first turn begun after 3 tokens
    EXPECT_EQ(profile.at(50, 7).value, 25);
    EXPECT_EQ(profile.at(50, 8).value, 2);
    EXPECT_EQ(Profile{}.at(50, 8).value, kUnlimited);
}

TEST(UniformLoad, is_constant_in_a_period_in_range_reproducible_and_uniform) {
    constexpr Ppb kLow = kWhole / 10;
    constexpr Ppb kHigh = kWhole * 3 / 10;
    const Load load = Load::uniform(kLow, kHigh, 100, 9);
    const Load again = Load::uniform(kLow, kHigh, 100, 9);
    const Load other = Load::uniform(kLow, kHigh, 100, 10);
    double sum = 0;
    int different = 0;
    constexpr int kPeriods = 20'000;
    for (Nanoseconds k = 0; k < kPeriods; ++k) {
        const ProfilePiece piece = load.at(k * 100);
        ASSERT_GE(piece.value, kLow);
        ASSERT_LE(piece.value, kHigh);
        ASSERT_EQ(piece.until, (k + 1) * 100);
        ASSERT_EQ(load.at(k * 100 + 99).value, piece.value);
        ASSERT_EQ(again.at(k * 100 + 50).value, piece.value);
        different += other.at(k * 100).value != piece.value ? 1 : 0;
        sum += static_cast<double>(piece.value);
    }
    EXPECT_GT(different, kPeriods * 99 / 100);
    // The tolerance is five standard errors of 0.2/√12/√20000 = 0.0004.
    EXPECT_NEAR(sum / kPeriods / static_cast<double>(kWhole), 0.2, 0.002);
}

TEST(WalkLoad, starts_in_the_middle_stays_in_range_and_moves_by_small_steps) {
    constexpr Ppb kLow = kWhole / 10;
    constexpr Ppb kHigh = kWhole / 2;
    constexpr Ppb kStep = kWhole / 20;
    const Load load = Load::walk(kLow, kHigh, kStep, 7, 21);
    const Load again = Load::walk(kLow, kHigh, kStep, 7, 21);
    EXPECT_EQ(load.at(0).value, kLow + (kHigh - kLow) / 2);
    Ppb lowest = kWhole;
    Ppb highest = 0;
    for (Nanoseconds k = 1; k < 3 * Load::kWalkPeriods; ++k) {
        const Ppb value = load.at(k * 7).value;
        ASSERT_GE(value, kLow);
        ASSERT_LE(value, kHigh);
        ASSERT_LE(std::abs(value - load.at(k * 7 - 1).value), kStep);
        ASSERT_EQ(again.at(k * 7 + 6).value, value);
        ASSERT_EQ(load.at(k * 7).until, (k + 1) * 7);
        lowest = std::min(lowest, value);
        highest = std::max(highest, value);
    }
    EXPECT_LT(lowest, kLow + kStep) << "it wanders over its whole range";
    EXPECT_GT(highest, kHigh - kStep);
}

TEST(WalkLoad, runs_backwards_after_its_periods) {
    const Load load = Load::walk(0, kWhole, kWhole / 9, 1, 22);
    for (Nanoseconds k = 0; k < Load::kWalkPeriods; ++k) {
        ASSERT_EQ(load.at(2 * Load::kWalkPeriods - 1 - k).value, load.at(k).value);
        ASSERT_EQ(load.at(2 * Load::kWalkPeriods + k).value, load.at(k).value);
    }
}

TEST(WalkLoad, reflects_steps_that_are_larger_than_its_range) {
    const Load load = Load::walk(kWhole / 2, kWhole / 2 + 3, kWhole, 1, 23);
    for (Nanoseconds k = 0; k < 500; ++k) {
        ASSERT_GE(load.at(k).value, kWhole / 2);
        ASSERT_LE(load.at(k).value, kWhole / 2 + 3);
    }
}

TEST(Loads, know_whether_they_are_full_from_a_time_on) {
    EXPECT_TRUE(Load::constant(kWhole).is_full_from(0));
    const Load later = Load::steps({{10, kWhole}, {20, 0}, {30, kWhole}});
    EXPECT_FALSE(later.is_full_from(15));
    EXPECT_TRUE(later.is_full_from(30));
    EXPECT_FALSE(Load().is_full_from(0));
    EXPECT_TRUE(Load::uniform(kWhole, kWhole, 5, 1).is_full_from(3));
    EXPECT_FALSE(Load::uniform(0, kWhole, 5, 1).is_full_from(3));
}

TEST(Loads, refuse_values_out_of_range) {
    EXPECT_THROW((void)Load::steps({{5, 0}, {5, 1}}), Bug);
    EXPECT_THROW((void)Load::constant(kWhole + 1), Bug);
    EXPECT_THROW((void)Load::uniform(2, 1, 5, 1), Bug);
    EXPECT_THROW((void)Load::walk(0, 1, 1, 0, 1), Bug);
}

} // namespace
} // namespace headroom::scheduler
