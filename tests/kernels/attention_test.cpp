// Attention against its equation in double and against the reference, rope and its angles.
#include <algorithm>
#include <numbers>

#include "naive.hpp"
#include "support.hpp"

namespace headroom::kernels {
namespace {

struct Group {
    std::int64_t heads;
    std::int64_t d;
    std::int64_t context;
    WeightType type;
    std::vector<float> queries;
    std::vector<std::vector<std::byte>> pages;
};

/// Keys and values in [-1, 1), stored as `type`.
Group group_of(
    std::int64_t heads, std::int64_t d, std::int64_t context, WeightType type = WeightType::f32
) {
    const auto seed = static_cast<std::uint64_t>(heads * 100 + d * 7 + context);
    Group group{heads, d, context, type, random_floats(heads * d, seed), {}};
    const Bytes bytes = row_bytes(type, d);
    for (std::int64_t t = 0; t < context; t += kPageRows) {
        const auto floats =
            random_floats(2 * kPageRows * d, seed * 31 + static_cast<std::uint64_t>(t));
        auto& page = group.pages.emplace_back(size_of(2 * kPageRows * bytes));
        for (std::int64_t row = 0; row < 2 * kPageRows; ++row) {
            const std::span<const float> own(floats.data() + row * d, size_of(d));
            EXPECT_FALSE(store_row(type, own, page.data() + row * bytes));
        }
    }
    // Rows past the context must not matter: in every type these bytes are NaN.
    for (std::int64_t t = context; t % kPageRows != 0; ++t) {
        std::byte* const page = group.pages.back().data();
        std::fill_n(page + t % kPageRows * bytes, bytes, std::byte{0xFF});
        std::fill_n(page + (kPageRows + t % kPageRows) * bytes, bytes, std::byte{0xFF});
    }
    return group;
}

std::vector<float> attend(const Kernels& kernels, const Group& group) {
    std::vector<const std::byte*> pages;
    for (const auto& page : group.pages) {
        pages.push_back(page.data());
    }
    std::vector<float> scores(size_of(group.context));
    std::vector<float> out(size_of(group.heads * group.d), -7.0F);
    kernels.attention({
        .queries = group.queries.data(),
        .pages = pages.data(),
        .type = group.type,
        .scores = scores.data(),
        .out = out.data(),
        .heads = group.heads,
        .head_width = group.d,
        .context = group.context,
    });
    return out;
}

/// Element i of row `row` of a page: rows 0 to 15 are the keys, rows 16 to 31 the values.
double element_of(const Group& group, std::int64_t page, std::int64_t row, std::int64_t i) {
    const std::byte* const data = group.pages[size_of(page)].data();
    return naive::element(group.type, data + row * row_bytes(group.type, group.d), i);
}

double key_at(const Group& group, std::int64_t t, std::int64_t i) {
    return element_of(group, t / kPageRows, t % kPageRows, i);
}

double value_at(const Group& group, std::int64_t t, std::int64_t i) {
    return element_of(group, t / kPageRows, kPageRows + t % kPageRows, i);
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
    for (const WeightType type : kCacheTypes) {
        for (const std::int64_t d : {2, 8, 10, 16, 20, 32, 48, 64, 96, 100, 128, 136, 160}) {
            for (const std::int64_t context : {1, 2, 3, 15, 16, 17, 33, 70}) {
                if (d % format_of(type).elements == 0) {
                    all.push_back(group_of(1 + context % 3, d, context, type));
                }
            }
        }
    }
    return all;
}

std::string text_of(const Group& group) {
    return std::string(name_of(group.type)) + ", d " + std::to_string(group.d) + ", T " +
           std::to_string(group.context);
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
        EXPECT_TRUE(close_to_exact(group, attend(kernels(), group))) << text_of(group);
    }
}

TEST_P(AttentionOf, has_the_bits_of_the_reference) {
    for (const Group& group : groups()) {
        EXPECT_TRUE(same_bits(attend(kernels(), group), attend(reference_kernels(), group)))
            << text_of(group);
    }
}

TEST(AttentionCheck, notices_a_row_too_few) {
    const Group group = group_of(2, 16, 20);
    Group shorter = group;
    shorter.context = 19;
    EXPECT_TRUE(close_to_exact(group, attend(reference_kernels(), group)));
    EXPECT_FALSE(close_to_exact(group, attend(reference_kernels(), shorter)));
}

TEST(AttentionCheck, notices_another_type_of_16_bits) {
    for (const WeightType type : {WeightType::f16, WeightType::bf16}) {
        const Group group = group_of(2, 16, 20, type);
        Group other = group;
        other.type = type == WeightType::f16 ? WeightType::bf16 : WeightType::f16;
        EXPECT_FALSE(close_to_exact(group, attend(reference_kernels(), other)));
    }
}

TEST_P(AttentionOf, returns_the_value_itself_at_context_one) {
    for (const WeightType type : kCacheTypes) {
        const std::int64_t d = type == WeightType::q8_0 ? 96 : 20;
        const Group group = group_of(3, d, 1, type);
        const std::vector<float> out = attend(kernels(), group);
        for (std::int64_t i = 0; i < 3 * d; ++i) {
            EXPECT_EQ(static_cast<double>(out[size_of(i)]), value_at(group, 0, i % d));
        }
    }
}

/// The scores of a page are the products of `multiply`, bit by bit, for every type.
TEST_P(AttentionOf, scores_keys_as_multiply_does) {
    for (const WeightType type : kCacheTypes) {
        const Group group = group_of(1, 64, 16, type);
        const Matrix keys{type, group.pages[0].data(), 16, 64};
        std::vector<float> weights(16);
        const Kernels& own = kernels_for(Level::reference);
        own.multiply(keys, group.queries.data(), 64, 1, weights.data(), 0);
        for (float& weight : weights) {
            weight *= 0.125F; // 1/√64
        }
        own.softmax(weights.data(), 16);
        std::vector<float> expected(64, 0.0F);
        for (std::int64_t t = 0; t < 16; ++t) {
            for (std::int64_t i = 0; i < 64; ++i) {
                float& sum = expected[size_of(i)];
                sum = std::fma(weights[size_of(t)], static_cast<float>(value_at(group, t, i)), sum);
            }
        }
        EXPECT_TRUE(same_bits(attend(kernels(), group), expected)) << name_of(type);
    }
}

/// A group whose last rows stand in a chunk, and those before them in a ring of pages.
struct InRing {
    /// window: the number of rows attended to; first: the number of the first row of the chunk.
    InRing(const Group& group, std::int64_t window, std::int64_t first)
        : ring((window - 1 + kPageRows - 1) / kPageRows + 1) {
        const Bytes bytes = row_bytes(group.type, group.d);
        pages.assign(size_of(ring), std::vector<std::byte>(size_of(32 * bytes), std::byte{0xFF}));
        const auto row_of = [&](std::int64_t t, bool value) {
            const auto& page = group.pages[size_of(t / kPageRows)];
            return page.data() + (t % kPageRows + (value ? kPageRows : 0)) * bytes;
        };
        for (const bool value : {false, true}) {
            for (std::int64_t t = std::max<std::int64_t>(0, first - window + 1); t < first; ++t) {
                auto& page = pages[size_of(t / kPageRows % ring)];
                std::copy_n(
                    row_of(t, value),
                    bytes,
                    page.data() + (t % kPageRows + (value ? kPageRows : 0)) * bytes
                );
            }
            for (std::int64_t t = first; t < group.context; ++t) {
                auto& rows = value ? values : keys;
                rows.insert(rows.end(), row_of(t, value), row_of(t, value) + bytes);
            }
        }
    }

    std::int64_t ring;
    std::vector<std::vector<std::byte>> pages;
    std::vector<std::byte> keys, values;
};

std::vector<float> attend(
    const Kernels& kernels,
    const Group& group,
    std::int64_t first,
    const InRing* in_ring,
    std::int64_t chunk_first
) {
    std::vector<const std::byte*> pages;
    for (const auto& page : in_ring == nullptr ? group.pages : in_ring->pages) {
        pages.push_back(page.data());
    }
    std::vector<float> scores(size_of(group.context));
    std::vector<float> out(size_of(group.heads * group.d), -7.0F);
    Attention attention{
        .queries = group.queries.data(),
        .pages = pages.data(),
        .type = group.type,
        .scores = scores.data(),
        .out = out.data(),
        .heads = group.heads,
        .head_width = group.d,
        .context = group.context,
        .first = first,
        .softcap = group.context % 2 == 0 ? 30.0F : 0.0F,
    };
    if (in_ring != nullptr) {
        attention.ring = in_ring->ring;
        attention.chunk = {in_ring->keys.data(), in_ring->values.data(), chunk_first};
    }
    kernels.attention(attention);
    return out;
}

/// All rows that are not attended to are NaN in the ring, so a row too many would be seen.
TEST_P(AttentionOf, has_the_same_bits_with_a_ring_of_pages_and_a_chunk) {
    int wrapped = 0;
    for (const WeightType type : kCacheTypes) {
        for (const std::int64_t d : {16, 32, 96, 100}) {
            if (d % format_of(type).elements != 0) {
                continue;
            }
            for (const std::int64_t context : {1, 9, 16, 33, 70}) {
                const Group group = group_of(2, d, context, type);
                for (const std::int64_t window : {1, 8, 17, 33, 60}) {
                    const std::int64_t first = std::max<std::int64_t>(0, context - window);
                    const auto whole = attend(kernels(), group, first, nullptr, 0);
                    for (const std::int64_t own : {1, 2, 16, 24}) {
                        const std::int64_t begin = std::max<std::int64_t>(0, context - own);
                        const InRing in_ring(group, window, begin);
                        wrapped += (begin + 15) / 16 > in_ring.ring ? 1 : 0;
                        EXPECT_TRUE(
                            same_bits(attend(kernels(), group, first, &in_ring, begin), whole)
                        ) << text_of(group)
                          << ", window " << window << ", own " << own;
                    }
                }
            }
        }
    }
    EXPECT_GT(wrapped, 20);
}

TEST(AttentionCheck, notices_a_ring_that_keeps_a_row_too_few) {
    const Group group = group_of(2, 32, 70);
    const InRing sound(group, 33, 60);
    InRing short_of_one(group, 32, 60); // as many pages
    ASSERT_EQ(sound.ring, short_of_one.ring);
    const auto whole = attend(reference_kernels(), group, 37, nullptr, 0);
    // The row before 60 − 31 is NaN. The token at 60 attends to it, the one at 69 does not.
    EXPECT_TRUE(same_bits(attend(reference_kernels(), group, 37, &short_of_one, 60), whole));
    Group at_60 = group;
    at_60.context = 61;
    const auto whole_60 = attend(reference_kernels(), at_60, 28, nullptr, 0);
    EXPECT_TRUE(same_bits(attend(reference_kernels(), at_60, 28, &sound, 60), whole_60));
    EXPECT_FALSE(same_bits(attend(reference_kernels(), at_60, 28, &short_of_one, 60), whole_60));
}

TEST_P(AttentionOf, rope_turns_pairs) {
    // A quarter turn takes (1, 0) to (0, 1); no turn leaves the second pair.
    std::vector<float> x = {1.0F, 0.0F, 3.0F, 4.0F, 0.0F, 2.0F, 5.0F, 6.0F};
    const float cosines[] = {0.0F, 1.0F};
    const float sines[] = {1.0F, 0.0F};
    kernels().rope(x.data(), 2, 4, 4, cosines, sines);
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
