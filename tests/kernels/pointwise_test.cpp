// Exp, softmax, gate and norm: accurate, and the same bits in every own level.
#include <limits>

#include "support.hpp"

namespace headroom::kernels {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

class Pointwise : public EachLevel {};
INSTANTIATE_TEST_SUITE_P(
    Levels,
    Pointwise,
    ::testing::Values(Level::reference, Level::openblas, Level::avx2, Level::avx512),
    level_of
);

/// The numbers from -104.5 to 89.5 in steps that hit no pattern, and what is special.
std::vector<float> exp_inputs() {
    std::vector<float> x = {0.0F,      -0.0F,    kInfinity, -kInfinity, kNaN,    -kNaN,
                            1e-45F,    -1e-45F,  88.7228F,  88.72284F,  -87.34F, -103.97F,
                            -103.972F, -104.0F,  -104.5F,   -104.6F,    89.0F,   89.1F,
                            3.4e38F,   -3.4e38F, 1e-10F,    -1e-10F};
    for (double at = -104.5; at < 89.5; at += 0.000917) {
        x.push_back(static_cast<float>(at));
    }
    return x;
}

/// Where the result is normal: below 2⁻²² of it, as kernels.hpp promises. Below that, one rounding
/// to a multiple of 2⁻¹⁴⁹ comes on top.
bool close_to_exp(float x, float y) {
    const double exact = std::exp(static_cast<double>(x));
    if (exact >= 0x1.0p128) {
        return y == kInfinity;
    }
    return std::abs(static_cast<double>(y) - exact) <= exact * 0x1.0p-22 + 0x1.0p-150;
}

TEST(Exp, is_within_its_error_everywhere) {
    for (const float x : exp_inputs()) {
        if (!std::isnan(x)) {
            ASSERT_TRUE(close_to_exp(x, portable_exp(x))) << x << ": " << portable_exp(x);
        }
    }
    EXPECT_FALSE(close_to_exp(1.0F, 2.718284F)); // e + 1.8e-6 is 2.6 · 2^-22 off
}

TEST(Exp, has_its_limits) {
    EXPECT_EQ(portable_exp(0.0F), 1.0F);
    EXPECT_EQ(portable_exp(-kInfinity), 0.0F);
    EXPECT_EQ(portable_exp(-104.0F), 0.0F);
    EXPECT_EQ(portable_exp(-103.5F), std::numeric_limits<float>::denorm_min());
    EXPECT_EQ(portable_exp(kInfinity), kInfinity);
    EXPECT_EQ(portable_exp(88.8F), kInfinity);
    EXPECT_TRUE(std::isnan(portable_exp(kNaN)));
}

TEST_P(Pointwise, silu_gate_has_the_bits_of_the_reference_for_every_exponent) {
    // The gate is where a level's own vectorised exp shows: 1 + exp(-z) at up = 1.
    std::vector<float> ours = exp_inputs();
    std::vector<float> expected = ours;
    const std::vector<float> up(ours.size(), 1.0F);
    const auto n = static_cast<std::int64_t>(ours.size());
    kernels().silu_gate(ours.data(), up.data(), n);
    reference_kernels().silu_gate(expected.data(), up.data(), n);
    EXPECT_TRUE(same_bits(ours, expected));
}

TEST_P(Pointwise, softmax_has_the_bits_of_exp_own_over_its_sum) {
    // Two values: 0 is the maximum, the other e = exp(x); the result e / (1 + e) and 1 / (1 + e).
    for (const float x : exp_inputs()) {
        if (x <= 0.0F) {
            std::vector<float> pair = {x, 0.0F};
            kernels().softmax(pair.data(), 2);
            const float e = portable_exp(x);
            ASSERT_TRUE(same_bits(pair, {e / (e + 1.0F), 1.0F / (e + 1.0F)})) << x;
        }
    }
}

TEST_P(Pointwise, vectorised_exp_has_the_bits_of_exp_own) {
    // 16 zeros keep the maximum 0 and the sum finite; exponents stand alone in their lane.
    for (std::int64_t i = 0; i < 3000; ++i) {
        const float x = -104.6F + static_cast<float>(i) * 0.035F;
        std::vector<float> values(17, x);
        values[16] = 0.0F;
        std::vector<float> expected = values;
        kernels().softmax(values.data(), 17);
        reference_kernels().softmax(expected.data(), 17);
        ASSERT_TRUE(same_bits(values, expected)) << x;
    }
}

TEST_P(Pointwise, has_the_bits_of_the_reference_at_every_length) {
    for (std::int64_t n = 1; n <= 100; ++n) {
        const auto seed = static_cast<std::uint64_t>(n);
        const std::vector<float> weight = random_floats(n, seed + 1000);
        std::vector<float> x = random_floats(n + 1, seed);
        for (float& value : x) {
            value *= 20.0F;
        }
        std::vector<float> ours = x;
        std::vector<float> expected = x;
        kernels().softmax(ours.data() + 1, n);
        reference_kernels().softmax(expected.data() + 1, n);
        ASSERT_TRUE(same_bits(ours, expected)) << "softmax of " << n;
        kernels().rms_norm(x.data() + 1, weight.data(), 1e-5F, n, ours.data() + 1);
        reference_kernels().rms_norm(x.data() + 1, weight.data(), 1e-5F, n, expected.data() + 1);
        ASSERT_TRUE(same_bits(ours, expected)) << "norm of " << n;
        ours = x;
        expected = x;
        kernels().silu_gate(ours.data() + 1, weight.data(), n);
        reference_kernels().silu_gate(expected.data() + 1, weight.data(), n);
        ASSERT_TRUE(same_bits(ours, expected)) << "gate of " << n;
        kernels().add(x.data() + 1, weight.data(), n, ours.data() + 1);
        reference_kernels().add(x.data() + 1, weight.data(), n, expected.data() + 1);
        ASSERT_TRUE(same_bits(ours, expected)) << "sum of " << n;
    }
}

TEST_P(Pointwise, works_in_place) {
    const std::vector<float> x = random_floats(37, 1);
    const std::vector<float> weight = random_floats(37, 2);
    std::vector<float> apart(37);
    std::vector<float> in_place = x;
    kernels().rms_norm(x.data(), weight.data(), 1e-5F, 37, apart.data());
    kernels().rms_norm(in_place.data(), weight.data(), 1e-5F, 37, in_place.data());
    EXPECT_TRUE(same_bits(apart, in_place));
    kernels().add(x.data(), weight.data(), 37, apart.data());
    in_place = x;
    kernels().add(in_place.data(), weight.data(), 37, in_place.data());
    EXPECT_TRUE(same_bits(apart, in_place));
}

TEST_P(Pointwise, softmax_sums_to_one_and_survives_large_values) {
    std::vector<float> x = {1000.0F, 1001.0F, -kInfinity};
    kernels().softmax(x.data(), 3);
    // e / (1 + e) = 0.731059; four roundings of exp, sum and quotient
    EXPECT_NEAR(x[1], 0.7310585786, 4 * 0x1.0p-22);
    EXPECT_NEAR(x[0] + x[1], 1.0, 4 * 0x1.0p-24);
    EXPECT_EQ(x[2], 0.0F);
    std::vector<float> one = {-3e38F};
    kernels().softmax(one.data(), 1);
    EXPECT_EQ(one[0], 1.0F);
}

TEST_P(Pointwise, softmax_is_nan_throughout_if_it_is_undefined) {
    for (const float bad : {kNaN, kInfinity}) {
        for (const std::size_t at : {0U, 5U, 16U, 20U}) {
            std::vector<float> x = random_floats(21, 4);
            x[at] = bad;
            kernels().softmax(x.data(), 21);
            for (const float value : x) {
                EXPECT_TRUE(std::isnan(value));
            }
        }
    }
}

TEST_P(Pointwise, rms_norm_follows_its_equation) {
    // x = (3, 4): mean square 12.5; y = x / sqrt(12.5 + 0) · (1, 2)
    const std::vector<float> x = {3.0F, 4.0F};
    const std::vector<float> weight = {1.0F, 2.0F};
    std::vector<float> y(2);
    kernels().rms_norm(x.data(), weight.data(), 0.0F, 2, y.data());
    // relative: root, quotient and two products round, 2⁻²⁴ each
    EXPECT_NEAR(y[0], 0.8485281374, 4 * 0x1.0p-24);
    EXPECT_NEAR(y[1], 2.2627416998, 3 * 4 * 0x1.0p-24);
    kernels().rms_norm(x.data(), weight.data(), 12.5F, 2, y.data());
    EXPECT_NEAR(y[0], 0.6, 4 * 0x1.0p-24); // 3 / sqrt(25)
}

TEST_P(Pointwise, silu_gate_follows_its_equation) {
    std::vector<float> gate = {1.0F, -1.0F, 0.0F, -200.0F};
    const std::vector<float> up = {1.0F, 2.0F, 5.0F, 1.0F};
    kernels().silu_gate(gate.data(), up.data(), 4);
    EXPECT_NEAR(gate[0], 0.7310585786, 2 * 0x1.0p-22);  // 1 / (1 + 1/e)
    EXPECT_NEAR(gate[1], -0.5378828427, 2 * 0x1.0p-22); // -2 / (1 + e)
    EXPECT_EQ(gate[2], 0.0F);
    EXPECT_EQ(gate[3], 0.0F);
}

} // namespace
} // namespace headroom::kernels
