// The numbers are a function of seed, purpose and index, and fixed for ever.
#include <set>

#include <gtest/gtest.h>

#include "base/random.hpp"

namespace headroom {
namespace {

TEST(RandomNumbers, streams_differ_by_seed_purpose_and_owner) {
    std::set<std::uint64_t> streams;
    for (std::uint64_t seed : {1U, 2U}) {
        for (const char* purpose : {"load", "memory"}) {
            for (std::uint64_t device : {0U, 1U}) {
                streams.insert(stream_seed(seed, purpose, device));
                streams.insert(stream_seed(seed, purpose, 0, device + 1));
            }
        }
    }
    EXPECT_EQ(streams.size(), 16U);
}

TEST(RandomNumbers, below_covers_its_range_evenly) {
    int counts[10] = {};
    for (std::uint64_t k = 0; k < 100000; ++k) {
        ++counts[random_below(7, k, 10)];
    }
    for (const int count : counts) {
        EXPECT_NEAR(count, 10000, 500);
    }
}

TEST(RandomNumbers, are_the_same_bits_on_every_machine) {
    // SplitMix64 with state 0 begins with this published value.
    EXPECT_EQ(mix_bits(0), 0xE220A8397B1DCDAFULL);
    Random random(stream_seed(7, "test"));
    const double first = random.unit();
    EXPECT_EQ(first, random_unit(stream_seed(7, "test"), 0));
    EXPECT_GE(first, 0.0);
    EXPECT_LT(first, 1.0);
}

} // namespace
} // namespace headroom
