// finish() over many periods, compared with a simple loop over all pieces of the profile, and with
// exact results that need so many periods that whole cycles must be skipped.
#include <gtest/gtest.h>

#include "base/error.hpp"
#include "base/int128.hpp"
#include "base/random.hpp"
#include "scheduler/rates/profile.hpp"
#include "scheduler/rates/scaled_rate.hpp"

namespace headroom::scheduler {
namespace {

UInt128 in_nanoseconds(std::int64_t work) {
    return UInt128{static_cast<std::uint64_t>(work)} * static_cast<std::uint64_t>(kSecond);
}

/// Computes finish() piece by piece for work in units · ns per second. Returns kNever if the work
/// needs more than `pieces` pieces.
Nanoseconds finish_piecewise(
    const Profile& profile, Nanoseconds start, UInt128 missing, std::int64_t pieces
) {
    Nanoseconds t = start;
    for (std::int64_t i = 0; i < pieces; ++i) {
        const ProfilePiece now = profile.at(t, 0);
        const auto rate = static_cast<std::uint64_t>(now.value);
        const UInt128 possible = UInt128{static_cast<std::uint64_t>(now.until - t)} * rate;
        if (possible >= missing) {
            return t + static_cast<Nanoseconds>((missing + rate - 1) / rate);
        }
        missing -= possible;
        t = now.until;
    }
    return kNever;
}

Load random_load(Random& random) {
    const auto low = static_cast<Ppb>(random.below(kWhole));
    const auto high =
        low + static_cast<Ppb>(random.below(static_cast<std::uint64_t>(kWhole - low)));
    const auto period = static_cast<Nanoseconds>(1 + random.below(random.below(2) == 0 ? 9 : 5000));
    if (random.below(2) == 0) {
        return Load::uniform(low, high, period, random.bits());
    }
    return Load::walk(low, high, 1 + (high - low) / 7, period, random.bits());
}

Profile random_profile(Random& random) {
    constexpr std::int64_t kBases[] = {3, 40, 7'000, 1'000'000'007, 123'456'789'123'456};
    Profile profile{.base = kBases[random.below(5)], .load = random_load(random)};
    if (random.below(3) == 0) {
        profile.scale = {static_cast<std::int64_t>(1 + random.below(9)), 7};
    }
    for (std::uint64_t i = random.below(4); i > 0; --i) {
        profile.changes.push_back(
            {.at = static_cast<Nanoseconds>(random.below(2'000'000)),
             .factor = static_cast<Ppb>(random.below(2 * kWhole))}
        );
    }
    return profile;
}

TEST(FinishOfManyPeriods, equals_the_piecewise_result) {
    constexpr std::int64_t kSegments = 30'000;
    Random random(stream_seed(1, "finish of many periods"));
    int finite = 0;
    for (int i = 0; i < 600; ++i) {
        const Profile profile = random_profile(random);
        const auto start = static_cast<Nanoseconds>(random.below(1'000'000));
        // The work of up to some thousand periods, which can be more than finish_piecewise follows.
        const UInt128 about = UInt128{static_cast<std::uint64_t>(profile.base)} *
                              static_cast<std::uint64_t>(profile.load.period()) *
                              random.below(random.below(2) == 0 ? 30'000 : 300);
        const auto work =
            1 + static_cast<std::int64_t>(about / static_cast<std::uint64_t>(kSecond));
        const Nanoseconds expected =
            finish_piecewise(profile, start, in_nanoseconds(work), kSegments);
        if (expected != kNever) {
            ++finite;
            ASSERT_EQ(finish(profile, start, work, 0), expected) << i;
        }
    }
    EXPECT_GT(finite, 200);
}

TEST(FinishOfManyPeriods, twin_one_unit_more_changes_the_piecewise_result) {
    const Profile profile{.base = kSecond, .load = Load::uniform(1, kWhole / 2, 7, 3)};
    EXPECT_NE(
        finish(profile, 5, 100'001, 0),
        finish_piecewise(profile, 5, in_nanoseconds(100'000), 60'000)
    );
}

TEST(FinishOfManyPeriods, skips_cycles_of_a_walk) {
    constexpr Nanoseconds kPeriod = 1000;
    constexpr std::int64_t kCycle = 2 * Load::kWalkPeriods;
    const Profile profile{
        .base = 3 * kSecond, .load = Load::walk(kWhole / 10, kWhole, kWhole / 50, kPeriod, 13)};
    UInt128 of_cycle = 0;
    for (std::int64_t k = 0; k < kCycle; ++k) {
        of_cycle += static_cast<std::uint64_t>(profile.at(k * kPeriod, 0).value * kPeriod);
    }
    for (const std::int64_t work : {20'000'000LL, 123'456'789LL, 1'000'000'000'000LL}) {
        const UInt128 cycles = (in_nanoseconds(work) - 1) / of_cycle;
        EXPECT_GE(cycles, UInt128{1});
        const Nanoseconds rest =
            finish_piecewise(profile, 0, in_nanoseconds(work) - cycles * of_cycle, kCycle);
        EXPECT_EQ(
            finish(profile, 0, work, 0), rest + static_cast<Nanoseconds>(cycles) * kCycle * kPeriod
        ) << work;
    }
}

TEST(FinishOfManyPeriods, ends_at_the_horizon) {
    const Profile slow{.base = 1};
    const std::int64_t year = kHorizon / kSecond;
    EXPECT_EQ(finish(slow, 0, year, 0), kHorizon);
    EXPECT_EQ(finish(slow, 0, year + 1, 0), kNever);
    EXPECT_EQ(finish(slow, 1, year, 0), kNever);
    EXPECT_EQ(finish(slow, kHorizon, 1, 0), kNever);
    EXPECT_EQ(finish(slow, kHorizon + 5, 0, 0), kHorizon + 5) << "no work takes no time";
    const Profile walk{.base = 3, .load = Load::walk(0, kWhole / 2, kWhole / 9, 10'000, 4)};
    EXPECT_EQ(finish(walk, 0, 3 * year, 0), kNever);
    EXPECT_NE(finish(walk, 0, year, 0), kNever);
}

/// A load with a period of a microsecond has 3.6 · 10⁹ periods in an hour, more than kMaxDraws.
TEST(FinishOfManyPeriods, is_never_beyond_the_limit_of_draws) {
    const Profile profile{.base = 1000, .load = Load::uniform(kWhole / 4, kWhole / 2, 1000, 9)};
    EXPECT_EQ(finish(profile, 0, 3'600'000, 0), kNever);
    EXPECT_NE(finish(profile, 0, 600, 0), kNever) << "a second of it";
}

int wants_to_end() {
    return static_cast<int>(ExitCode::terminated);
}

TEST(FinishOfManyPeriods, calls_stop) {
    const Profile profile{.base = 1000, .load = Load::uniform(kWhole / 4, kWhole / 2, 1000, 9)};
    try {
        (void)finish(profile, 0, 60'000, 0, wants_to_end);
        FAIL() << "it went on";
    } catch (const InterruptedError& error) {
        EXPECT_EQ(error.code(), ExitCode::terminated);
    }
    const Profile fast{.base = kSecond, .load = profile.load};
    EXPECT_NE(finish(fast, 0, 5000, 0, wants_to_end), kNever) << "for a few periods nobody asks";
}

TEST(ScaledRates, are_those_of_the_profile) {
    Random random(stream_seed(2, "scaled rates"));
    for (int i = 0; i < 2000; ++i) {
        Profile profile = random_profile(random);
        if (i % 5 == 0) {
            profile.base = static_cast<std::int64_t>(random.bits() >> (1 + random.below(62)));
            profile.scale = {
                1 + static_cast<std::int64_t>(random.below(1'000'000'000'000)),
                1 + static_cast<std::int64_t>(random.below(1'000'000'000'000))};
        }
        const Factors factors = factors_at(profile.changes, 1'000'000, 0);
        const ScaledRate rate(profile, factors);
        for (const Ppb load :
             {Ppb{0},
              Ppb{1},
              kWhole / 3,
              kWhole - 1,
              kWhole,
              static_cast<Ppb>(random.below(kWhole))}) {
            ASSERT_EQ(rate(load), scaled_value(profile, load, factors)) << i << " load " << load;
        }
    }
}

} // namespace
} // namespace headroom::scheduler
