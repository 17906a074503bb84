// Sums in fixed point: the same bits in any order and any division, near the true sum, and never a
// silent overflow.
#include <cmath>
#include <limits>
#include <numeric>

#include <gtest/gtest.h>

#include "kernels/exact_sum.hpp"
#include "support.hpp"

namespace headroom::kernels {
namespace {

using Sums = std::vector<std::int64_t>;
using Order = std::vector<std::size_t>;

Order shuffled(std::size_t n, Random& random) {
    Order order(n);
    std::iota(order.begin(), order.end(), std::size_t{0});
    for (std::size_t i = n; i > 1; --i) {
        std::swap(order[i - 1], order[random.below(i)]);
    }
    return order;
}

/// Terms of every size that a residual stream has, next to each other.
std::vector<std::vector<float>> random_terms(
    std::size_t terms, std::int64_t width, std::uint64_t seed
) {
    std::vector<std::vector<float>> all;
    for (std::size_t i = 0; i < terms; ++i) {
        all.push_back(random_floats(width, 100 * seed + i));
        Random random(stream_seed(seed, "sizes", i));
        for (float& value : all.back()) {
            value = std::ldexp(value, static_cast<int>(random.below(40)) - 25);
        }
    }
    return all;
}

/// In this order, by devices of which each adds up its own part first.
std::vector<float> exact_sum(
    const std::vector<std::vector<float>>& terms, const Order& order, std::size_t devices
) {
    const auto width = static_cast<std::int64_t>(terms.front().size());
    const auto all = static_cast<std::int64_t>(terms.size());
    Sums whole(terms.front().size(), 0);
    for (std::size_t d = 0; d < devices; ++d) {
        Sums part(whole.size(), 0);
        for (std::size_t i = d; i < order.size(); i += devices) {
            EXPECT_FALSE(add_exactly(terms[order[i]].data(), width, all, part.data()));
        }
        merge_exactly(part.data(), width, whole.data());
    }
    std::vector<float> result(whole.size());
    round_exact_sums(whole.data(), width, result.data());
    return result;
}

std::vector<float> float_sum(const std::vector<std::vector<float>>& terms, const Order& order) {
    std::vector<float> sum(terms.front().size(), 0);
    for (const std::size_t i : order) {
        for (std::size_t k = 0; k < sum.size(); ++k) {
            sum[k] += terms[i][k];
        }
    }
    return sum;
}

TEST(ExactSum, has_the_same_bits_in_every_order_and_division_where_float_sums_have_not) {
    int float_sums_differ = 0;
    for (std::uint64_t seed = 1; seed <= 40; ++seed) {
        Random random(stream_seed(seed, "orders"));
        const std::size_t count = 1 + random.below(40);
        const auto terms = random_terms(count, 33, seed);
        Order in_order(count);
        std::iota(in_order.begin(), in_order.end(), std::size_t{0});
        const std::vector<float> expected = exact_sum(terms, in_order, 1);
        const std::vector<float> by_floats = float_sum(terms, in_order);
        for (int attempt = 0; attempt < 5; ++attempt) {
            const Order order = shuffled(count, random);
            EXPECT_TRUE(same_bits(exact_sum(terms, order, 1 + random.below(5)), expected))
                << "seed " << seed;
            float_sums_differ += same_bits(float_sum(terms, order), by_floats) ? 0 : 1;
        }
    }
    EXPECT_GT(float_sums_differ, 100) << "the twin: sums of floats pass as order-free";
}

TEST(ExactSum, is_the_true_sum_rounded_once_but_for_half_a_step_per_term) {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        const std::size_t count = 1 + seed;
        const auto terms = random_terms(count, 64, seed);
        Order order(count);
        std::iota(order.begin(), order.end(), std::size_t{0});
        const std::vector<float> sum = exact_sum(terms, order, 1);
        for (std::size_t k = 0; k < sum.size(); ++k) {
            long double exact = 0;
            for (const auto& term : terms) {
                exact += term[k];
            }
            const double error = std::abs(static_cast<double>(sum[k] - exact));
            const double last_bit = std::abs(static_cast<double>(exact)) * 0x1p-24;
            EXPECT_LE(error, static_cast<double>(count) * 0x1p-37 + last_bit) << seed;
        }
    }
}

std::int64_t steps_of(float value) {
    std::int64_t steps = 0;
    EXPECT_FALSE(add_exactly(&value, 1, 1, &steps)) << value;
    return steps;
}

TEST(ExactSum, rounds_a_term_to_the_nearest_step_and_ties_to_even) {
    EXPECT_EQ(steps_of(1.0F), std::int64_t{1} << 36);
    EXPECT_EQ(steps_of(-2.5F), -(std::int64_t{5} << 35));
    EXPECT_EQ(steps_of(0x1p-36F), 1);
    EXPECT_EQ(steps_of(0x1p-37F), 0);   // a tie: 0.5 to 0
    EXPECT_EQ(steps_of(0x1.8p-36F), 2); // 1.5 to 2
    EXPECT_EQ(steps_of(0x1.4p-35F), 2); // 2.5 to 2
    EXPECT_EQ(steps_of(-0x1.8p-36F), -2);
    EXPECT_EQ(steps_of(0x1.000002p-37F), 1);
    EXPECT_EQ(steps_of(-0.0F), 0);
    EXPECT_EQ(steps_of(std::numeric_limits<float>::denorm_min()), 0);
    // 24 bits that end half a step below, on and above the last place where halves exist.
    EXPECT_EQ(steps_of(0x1.fffffep-14F), std::int64_t{1} << 23); // 2^23 − 0.5, to even
    EXPECT_EQ(steps_of(0x1.fffffep-13F), (std::int64_t{1} << 24) - 1);
    EXPECT_EQ(steps_of(0x1.fffffep-12F), (std::int64_t{1} << 25) - 2);
    EXPECT_EQ(steps_of(0x1.fffffep26F), ((std::int64_t{1} << 24) - 1) << 39);
}

TEST(ExactSum, refuses_what_could_overflow_and_says_where) {
    const float wrong[] = {
        std::numeric_limits<float>::quiet_NaN(),
        std::numeric_limits<float>::infinity(),
        -std::numeric_limits<float>::infinity(),
        0x1p27F,
        -0x1p27F,
        std::numeric_limits<float>::max(),
    };
    for (const float value : wrong) {
        const float x[] = {1, 2, value, 3};
        Sums sums(4, 7);
        EXPECT_EQ(add_exactly(x, 4, 1, sums.data()), 2) << value;
        EXPECT_EQ(sums[3], 7);
    }
    // As many of the largest as may be added stay within 64 bits, on either side.
    for (const std::int64_t terms : {1, 2, 3, 7, 32, 100, 28672}) {
        auto most = static_cast<float>(exact_sum_limit(terms));
        if (!(most < exact_sum_limit(terms))) {
            most = std::nextafter(most, 0.0F);
        }
        const float too_much = std::nextafter(most, HUGE_VALF);
        for (const float sign : {1.0F, -1.0F}) {
            std::int64_t sum = 0;
            const float term = sign * most;
            EXPECT_FALSE(add_exactly(&term, 1, terms, &sum)) << terms;
            std::int64_t product = 0;
            EXPECT_FALSE(__builtin_mul_overflow(sum, terms, &product)) << terms;
            const float above = sign * too_much;
            EXPECT_TRUE(add_exactly(&above, 1, terms, &sum)) << terms;
        }
    }
}

} // namespace
} // namespace headroom::kernels
