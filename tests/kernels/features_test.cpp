// The kernels of features that not all models have: tanh, GELU, soft caps, rope in halves, and
// attention with a window, a scale or a cap. Accurate, and the same bits in every own level.
#include <algorithm>
#include <limits>

#include "support.hpp"

namespace headroom::kernels {
namespace {

class Features : public EachLevel {};
INSTANTIATE_TEST_SUITE_P(
    Levels,
    Features,
    ::testing::Values(Level::reference, Level::openblas, Level::avx2, Level::avx512),
    level_of
);

/// Numbers from -30 to 30 in steps that hit no pattern, small ones, and what is special.
std::vector<float> inputs() {
    constexpr float kLargest = std::numeric_limits<float>::max();
    constexpr float kInfinite = std::numeric_limits<float>::infinity();
    std::vector<float> x = {
        0.0F, -0.0F, 1e-45F, -1e-45F, kLargest, -kLargest, kInfinite, -kInfinite};
    for (double at = -30; at < 30; at += 0.000917) {
        x.push_back(static_cast<float>(at));
    }
    for (double at = 1e-30; at < 1; at *= 1.37) {
        x.push_back(static_cast<float>(at));
        x.push_back(static_cast<float>(-at));
    }
    return x;
}

bool close_to_tanh(float x, float y) {
    const double exact = std::tanh(static_cast<double>(x));
    return std::abs(static_cast<double>(y) - exact) <= std::abs(exact) * 1e-6;
}

TEST(Tanh, is_within_its_error_everywhere) {
    for (const float x : inputs()) {
        ASSERT_TRUE(close_to_tanh(x, portable_tanh(x))) << x << ": " << portable_tanh(x);
    }
    EXPECT_TRUE(std::isnan(portable_tanh(std::nanf(""))));
    EXPECT_FALSE(close_to_tanh(0.5F, 0.462119F)); // 0.4621172
}

TEST_P(Features, softcap_is_portable_tanh_between_its_bounds) {
    const std::vector<float> x = inputs();
    for (const float cap : {0.75F, 30.0F, 50.0F}) {
        std::vector<float> ours = x;
        kernels().softcap(ours.data(), static_cast<std::int64_t>(ours.size()), cap);
        std::vector<float> expected = x;
        for (float& value : expected) {
            value = portable_tanh(value / cap) * cap;
        }
        EXPECT_TRUE(same_bits(ours, expected)) << cap;
    }
}

double exact_gelu(double z) {
    const double inner = std::sqrt(2 / std::acos(-1.0)) * (z + 0.044715 * z * z * z);
    return z / 2 * (1 + std::tanh(inner));
}

TEST_P(Features, gelu_gate_follows_its_equation_and_has_the_bits_of_the_reference) {
    std::vector<float> x = inputs();
    std::erase_if(x, [](float value) { return std::isinf(value); });
    const auto n = static_cast<std::int64_t>(x.size());
    const std::vector<float> up = random_floats(n, 3);
    std::vector<float> ours = x;
    std::vector<float> expected = x;
    kernels().gelu_gate(ours.data(), up.data(), n);
    reference_kernels().gelu_gate(expected.data(), up.data(), n);
    EXPECT_TRUE(same_bits(ours, expected));
    for (std::size_t i = 0; i < x.size(); ++i) {
        const double exact = exact_gelu(static_cast<double>(x[i])) * static_cast<double>(up[i]);
        ASSERT_NEAR(ours[i], exact, std::abs(exact) * 1e-6 + 1e-7) << x[i];
    }
}

TEST_P(Features, pointwise_functions_have_the_bits_of_the_reference_at_every_length) {
    for (std::int64_t n = 1; n <= 70; ++n) {
        const auto seed = static_cast<std::uint64_t>(n);
        const std::vector<float> up = random_floats(n, seed + 1000);
        const std::vector<float> x = random_floats(n + 1, seed);
        std::vector<float> ours = x;
        std::vector<float> expected = x;
        kernels().gelu_gate(ours.data() + 1, up.data(), n);
        reference_kernels().gelu_gate(expected.data() + 1, up.data(), n);
        ASSERT_TRUE(same_bits(ours, expected)) << "gate of " << n;
        kernels().softcap(ours.data() + 1, n, 0.5F);
        reference_kernels().softcap(expected.data() + 1, n, 0.5F);
        ASSERT_TRUE(same_bits(ours, expected)) << "cap of " << n;
    }
}

TEST_P(Features, rope_turns_halves_and_leaves_the_rest) {
    // d = 6, of which 4 are turned: x[0] with x[2] by a quarter, x[1] with x[3] by none.
    std::vector<float> x = {1.0F, 3.0F, 0.0F, 4.0F, 8.0F, 9.0F, 0.0F, 5.0F, 2.0F, 6.0F, 7.0F, 8.0F};
    const float cosines[] = {0.0F, 1.0F};
    const float sines[] = {1.0F, 0.0F};
    kernels().rope_halves(x.data(), 2, 6, 4, cosines, sines);
    const std::vector<float> turned = {
        0.0F, 3.0F, 1.0F, 4.0F, 8.0F, 9.0F, -2.0F, 5.0F, 0.0F, 6.0F, 7.0F, 8.0F};
    EXPECT_TRUE(same_bits(x, turned));
    std::vector<float> pairs = {1.0F, 0.0F, 3.0F, 4.0F, 8.0F, 9.0F};
    kernels().rope(pairs.data(), 1, 6, 4, cosines, sines);
    EXPECT_TRUE(same_bits(pairs, {0.0F, 1.0F, 3.0F, 4.0F, 8.0F, 9.0F}));
}

/// The attention of two heads of width 20 over 70 rows.
struct Attended {
    Attended() {
        for (std::uint64_t page = 0; page < 5; ++page) {
            storage.push_back(random_floats(2 * kPageRows * kWidth, page + 1));
            pages.push_back(reinterpret_cast<const std::byte*>(storage.back().data()));
        }
    }

    std::vector<float> run(const Kernels& kernels, Attention changed) {
        std::vector<float> scores(kRows);
        std::vector<float> out(2 * kWidth);
        changed.queries = queries.data();
        changed.pages = pages.data();
        changed.scores = scores.data();
        changed.out = out.data();
        changed.heads = 2;
        changed.head_width = kWidth;
        changed.context = kRows;
        kernels.attention(changed);
        return out;
    }

    /// The first output, in double.
    [[nodiscard]] double exact(std::int64_t first, double scale, double cap) const {
        double sum = 0;
        double total = 0;
        for (std::int64_t t = first; t < kRows; ++t) {
            const float* page = storage[static_cast<std::size_t>(t / kPageRows)].data();
            double score = 0;
            for (std::int64_t i = 0; i < kWidth; ++i) {
                const float key = page[t % kPageRows * kWidth + i];
                score += static_cast<double>(queries[static_cast<std::size_t>(i)]) *
                         static_cast<double>(key);
            }
            score *= scale;
            score = cap > 0 ? cap * std::tanh(score / cap) : score;
            const float value = page[(kPageRows + t % kPageRows) * kWidth];
            sum += std::exp(score) * static_cast<double>(value);
            total += std::exp(score);
        }
        return sum / total;
    }

    static constexpr std::int64_t kWidth = 20;
    static constexpr std::int64_t kRows = 70;
    std::vector<float> queries = random_floats(2 * kWidth, 99);
    std::vector<std::vector<float>> storage;
    std::vector<const std::byte*> pages;
};

TEST_P(Features, attention_has_a_first_row_a_scale_and_a_cap) {
    Attended attended;
    const double usual = 1 / std::sqrt(static_cast<double>(Attended::kWidth));
    for (const std::int64_t first : {0, 1, 15, 16, 17, 40, 69}) {
        for (const float scale : {0.0F, 0.5F}) {
            for (const float cap : {0.0F, 0.25F}) {
                const Attention changed{.first = first, .scale = scale, .softcap = cap};
                const auto ours = attended.run(kernels(), changed);
                EXPECT_TRUE(same_bits(ours, attended.run(reference_kernels(), changed))) << first;
                const double factor = scale > 0 ? static_cast<double>(scale) : usual;
                EXPECT_NEAR(ours[0], attended.exact(first, factor, static_cast<double>(cap)), 1e-5);
            }
        }
    }
    EXPECT_GT(std::abs(attended.exact(17, usual, 0) - attended.exact(16, usual, 0)), 1e-5);
    EXPECT_GT(std::abs(attended.exact(0, usual, 0) - attended.exact(0, 0.5, 0)), 1e-5);
    EXPECT_GT(std::abs(attended.exact(0, usual, 0) - attended.exact(0, usual, 0.25)), 1e-5);
}

TEST_P(Features, attention_does_not_read_pages_before_its_first_row) {
    Attended attended;
    const Attention changed{.first = 40};
    const auto expected = attended.run(kernels(), changed);
    attended.pages[0] = attended.pages[1] = nullptr;
    EXPECT_TRUE(same_bits(attended.run(kernels(), changed), expected));
}

TEST(PortableLog, agrees_with_libm) {
    for (double x = 1e-9; x < 1e12; x *= 1.0137) {
        ASSERT_NEAR(portable_log(x), std::log(x), 1e-14 + std::abs(std::log(x)) * 1e-15) << x;
    }
}

} // namespace
} // namespace headroom::kernels
