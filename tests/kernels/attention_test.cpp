// Attention against its equation in double and against the reference, rope and its angles.
#include <algorithm>
#include <numbers>

#include "support.hpp"

namespace headroom::kernels {
namespace {

struct Group {
    std::int64_t heads;
    std::int64_t d;
    std::int64_t context;
    std::vector<float> queries;
    std::vector<std::vector<float>> pages;
};

Group group_of(std::int64_t heads, std::int64_t d, std::int64_t context) {
    const auto seed = static_cast<std::uint64_t>(heads * 100 + d * 7 + context);
    Group group{heads, d, context, random_floats(heads * d, seed), {}};
    for (std::int64_t t = 0; t < context; t += kPageRows) {
        group.pages.push_back(
            random_floats(2 * kPageRows * d, seed * 31 + static_cast<std::uint64_t>(t))
        );
    }
    // Rows past the context must not matter.
    for (std::int64_t t = context; t % kPageRows != 0; ++t) {
        float* keys = group.pages.back().data();
        std::fill_n(keys + t % kPageRows * d, d, std::nanf(""));
        std::fill_n(keys + (kPageRows + t % kPageRows) * d, d, std::nanf(""));
    }
    return group;
}

std::vector<float> attend(const Kernels& kernels, const Group& group) {
    std::vector<const float*> pages;
    for (const auto& page : group.pages) {
        pages.push_back(page.data());
    }
    std::vector<float> scores(size_of(group.context));
    std::vector<float> out(size_of(group.heads * group.d), -7.0F);
    kernels.attention({
        .queries = group.queries.data(),
        .pages = pages.data(),
        .scores = scores.data(),
        .out = out.data(),
        .heads = group.heads,
        .head_width = group.d,
        .context = group.context,
    });
    return out;
}

double key_at(const Group& group, std::int64_t t, std::int64_t i) {
    return group.pages[size_of(t / kPageRows)][size_of(t % kPageRows * group.d + i)];
}

double value_at(const Group& group, std::int64_t t, std::int64_t i) {
    return group.pages[size_of(t / kPageRows)][size_of((kPageRows + t % kPageRows) * group.d + i)];
}

/// out = Σ_t softmax_t(q·k_t / √d) · v_t, in double.
std::vector<double> exact_attention(const Group& group) {
    std::vector<double> out(size_of(group.heads * group.d), 0.0);
    for (std::int64_t h = 0; h < group.heads; ++h) {
        std::vector<double> weight(size_of(group.context));
        double total = 0.0;
        for (std::int64_t t = 0; t < group.context; ++t) {
            double score = 0.0;
            for (std::int64_t i = 0; i < group.d; ++i) {
                score += static_cast<double>(group.queries[size_of(h * group.d + i)]) *
                         key_at(group, t, i);
            }
            weight[size_of(t)] = std::exp(score / std::sqrt(static_cast<double>(group.d)));
            total += weight[size_of(t)];
        }
        for (std::int64_t t = 0; t < group.context; ++t) {
            for (std::int64_t i = 0; i < group.d; ++i) {
                out[size_of(h * group.d + i)] += weight[size_of(t)] / total * value_at(group, t, i);
            }
        }
    }
    return out;
}

/// Values are in [-1, 1] and weights sum to 1. A score is off by at most (d + 4) · 2⁻²⁴ · Σ|q·k|/√d
/// ≤ (d + 4) · √d · 2⁻²⁴, which changes its weight by twice that in relation (itself and the sum);
/// the weighted sum and the softmax add (T + 8) · 2⁻²⁴ at most.
::testing::AssertionResult close_to_exact(const Group& group, const std::vector<float>& out) {
    const auto d = static_cast<double>(group.d);
    const double roundings =
        2.0 * (d + 4.0) * std::sqrt(d) + 2.0 * (static_cast<double>(group.context) + 8.0);
    const std::vector<double> exact = exact_attention(group);
    for (std::size_t i = 0; i < exact.size(); ++i) {
        if (!(std::abs(static_cast<double>(out[i]) - exact[i]) <= roundings * 0x1.0p-24)) {
            return ::testing::AssertionFailure() << i << ": " << out[i] << ", exactly " << exact[i];
        }
    }
    return ::testing::AssertionSuccess();
}

std::vector<Group> groups() {
    std::vector<Group> all;
    for (const std::int64_t d : {2, 8, 10, 16, 20, 32, 48, 64, 100, 128, 136}) {
        for (const std::int64_t context : {1, 2, 3, 15, 16, 17, 33, 70}) {
            all.push_back(group_of(1 + context % 3, d, context));
        }
    }
    return all;
}

class AttentionOf : public EachLevel {};
INSTANTIATE_TEST_SUITE_P(
    Levels,
    AttentionOf,
    ::testing::Values(Level::reference, Level::openblas, Level::avx2, Level::avx512),
    level_of
);

TEST_P(AttentionOf, follows_its_equation) {
    for (const Group& group : groups()) {
        EXPECT_TRUE(close_to_exact(group, attend(kernels(), group)))
            << "d " << group.d << " T " << group.context;
    }
}

TEST_P(AttentionOf, has_the_bits_of_the_reference) {
    for (const Group& group : groups()) {
        EXPECT_TRUE(same_bits(attend(kernels(), group), attend(reference_kernels(), group)))
            << "d " << group.d << " T " << group.context;
    }
}

TEST(AttentionCheck, notices_a_row_too_few) {
    const Group group = group_of(2, 16, 20);
    Group shorter = group;
    shorter.context = 19;
    EXPECT_TRUE(close_to_exact(group, attend(reference_kernels(), group)));
    EXPECT_FALSE(close_to_exact(group, attend(reference_kernels(), shorter)));
}

TEST_P(AttentionOf, returns_the_value_itself_at_context_one) {
    const Group group = group_of(3, 20, 1);
    const std::vector<float> out = attend(kernels(), group);
    for (std::int64_t i = 0; i < 3 * 20; ++i) {
        EXPECT_EQ(static_cast<double>(out[size_of(i)]), value_at(group, 0, i % 20));
    }
}

TEST_P(AttentionOf, rope_turns_pairs) {
    // A quarter turn takes (1, 0) to (0, 1); no turn leaves the second pair.
    std::vector<float> x = {1.0F, 0.0F, 3.0F, 4.0F, 0.0F, 2.0F, 5.0F, 6.0F};
    const float cosines[] = {0.0F, 1.0F};
    const float sines[] = {1.0F, 0.0F};
    kernels().rope(x.data(), 2, 4, cosines, sines);
    EXPECT_TRUE(same_bits(x, {0.0F, 1.0F, 3.0F, 4.0F, -2.0F, 0.0F, 5.0F, 6.0F}));
}

/// Largest difference from libm over the angles of one position.
double angle_error(
    std::int64_t position, double theta, std::int64_t d, std::int64_t libm_position
) {
    std::vector<float> cosines(size_of(d / 2));
    std::vector<float> sines(size_of(d / 2));
    rope_angles(position, theta, d, cosines.data(), sines.data());
    double largest = 0.0;
    for (std::int64_t i = 0; i < d / 2; ++i) {
        const double exponent = -2.0 * static_cast<double>(i) / static_cast<double>(d);
        const double angle = static_cast<double>(libm_position) * std::pow(theta, exponent);
        const auto cosine = static_cast<double>(cosines[size_of(i)]);
        const auto sine = static_cast<double>(sines[size_of(i)]);
        largest = std::max(largest, std::abs(cosine - std::cos(angle)));
        largest = std::max(largest, std::abs(sine - std::sin(angle)));
    }
    return largest;
}

TEST(RopeAngles, agree_with_libm) {
    // Rounding to float is 2⁻²⁵ = 3.0e-8; the rest is far smaller.
    for (const double theta : {1e4, 5e5, 1e6}) {
        for (const std::int64_t d : {8, 64, 128}) {
            for (std::int64_t position = 0; position <= 131072; position += 1 + position / 40) {
                ASSERT_LE(angle_error(position, theta, d, position), 3.1e-8)
                    << position << " of " << theta;
            }
            EXPECT_LE(angle_error(131072, theta, d, 131072), 3.1e-8);
        }
    }
    EXPECT_GT(angle_error(10, 1e4, 8, 11), 3.1e-8);
}

TEST(RopeAngles, are_no_turn_at_position_zero) {
    float cosines[4];
    float sines[4];
    rope_angles(0, 1e4, 8, cosines, sines);
    for (int i = 0; i < 4; ++i) {
        EXPECT_EQ(cosines[i], 1.0F);
        EXPECT_EQ(sines[i], 0.0F);
    }
}

} // namespace
} // namespace headroom::kernels
