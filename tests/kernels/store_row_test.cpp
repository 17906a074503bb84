// Storing floats as rows of KV caches: the nearest number of 16 bits (ties to even), the blocks of
// Q8_0, and numbers that a type cannot hold.
#include <limits>

#include "naive.hpp"
#include "support.hpp"

namespace headroom::kernels {
namespace {

constexpr float kInfinite = std::numeric_limits<float>::infinity();

std::vector<std::byte> stored(WeightType type, const std::vector<float>& x) {
    std::vector<std::byte> row(size_of(row_bytes(type, static_cast<std::int64_t>(x.size()))));
    EXPECT_FALSE(store_row(type, x, row.data())) << name_of(type);
    return row;
}

std::optional<std::int64_t> wrong_in(WeightType type, const std::vector<float>& x) {
    std::vector<std::byte> row(size_of(row_bytes(type, static_cast<std::int64_t>(x.size()))));
    return store_row(type, x, row.data());
}

std::uint32_t word_of(WeightType type, float x) {
    return naive::little_endian_16(stored(type, {x}).data());
}

/// Whether `bits` is the number of 16 bits nearest to x: no neighbour is nearer, and of two equally
/// near ones the even one is taken.
bool is_nearest(double x, std::uint32_t bits, int fraction_bits) {
    const double distance = std::abs(naive::sixteen_bits(bits, fraction_bits) - x);
    for (const std::uint32_t other : {bits - 1, bits + 1}) {
        const bool same_sign = ((other ^ bits) & 0x8000U) == 0 && (other >> 16) == 0;
        const double beyond = std::abs(naive::sixteen_bits(other & 0xFFFFU, fraction_bits) - x);
        if (same_sign && (beyond < distance || (beyond == distance && bits % 2 == 1))) {
            return false;
        }
    }
    return true;
}

/// Floats over all exponents of both types, and values halfway between numbers of 16 bits.
std::vector<float> harsh_floats() {
    std::vector<float> values = random_floats(4000, 5);
    for (std::size_t i = 0; i < values.size(); ++i) {
        values[i] = std::ldexp(values[i], static_cast<int>(i % 40) - 24);
    }
    for (std::uint32_t bits = 0; bits < 0x7BFF; bits += 7) {
        const double halfway = (naive::half(bits) + naive::half(bits + 1)) / 2;
        values.push_back(static_cast<float>(halfway));
        values.push_back(std::nextafter(static_cast<float>(-halfway), 0.0F));
    }
    return values;
}

TEST(StoreRow, takes_the_nearest_number_of_16_bits) {
    for (const float x : harsh_floats()) {
        const std::uint32_t half = word_of(WeightType::f16, x);
        ASSERT_TRUE(is_nearest(static_cast<double>(x), half, 10)) << x;
        const std::uint32_t bfloat = word_of(WeightType::bf16, x);
        ASSERT_TRUE(is_nearest(static_cast<double>(x), bfloat, 7)) << x;
        EXPECT_EQ(half >> 15, std::signbit(x) ? 1U : 0U);
    }
    EXPECT_FALSE(is_nearest(1.0, 0x3C01, 10));             // 1 + 2^-10
    EXPECT_FALSE(is_nearest(1.0 + 0x1.8p-10, 0x3C01, 10)); // halfway, and 0x3C01 is odd
}

TEST(StoreRow, keeps_every_number_of_16_bits) {
    for (std::uint32_t bits = 0; bits < 0x10000; ++bits) {
        const double half = naive::half(bits);
        if (std::isfinite(half)) {
            ASSERT_EQ(word_of(WeightType::f16, static_cast<float>(half)), bits);
        }
        const double bfloat = naive::bfloat(bits);
        if (std::isfinite(bfloat)) {
            ASSERT_EQ(word_of(WeightType::bf16, static_cast<float>(bfloat)), bits);
        }
    }
}

TEST(StoreRow, keeps_the_bits_of_floats) {
    const std::vector<float> x = {1.0F, -0.0F, 1e-45F, -kInfinite, std::nanf("")};
    EXPECT_EQ(std::memcmp(stored(WeightType::f32, x).data(), x.data(), 20), 0);
}

TEST(StoreRow, names_the_first_number_that_16_bits_cannot_hold) {
    EXPECT_EQ(word_of(WeightType::f16, 65519.996F), 0x7BFFU);
    EXPECT_EQ(word_of(WeightType::f16, -65519.996F), 0xFBFFU);
    EXPECT_EQ(wrong_in(WeightType::f16, {1.0F, 65520.0F, -kInfinite}), 1);
    EXPECT_EQ(wrong_in(WeightType::f16, {1.0F, 2.0F, std::nanf("")}), 2);
    EXPECT_EQ(wrong_in(WeightType::f16, {-1e30F}), 0);
    EXPECT_EQ(word_of(WeightType::bf16, 1e30F), word_of(WeightType::bf16, 1.0001e30F));
    EXPECT_EQ(wrong_in(WeightType::bf16, {3.38e38F, 3.4e38F}), 1);
    EXPECT_EQ(wrong_in(WeightType::bf16, {-kInfinite}), 0);
    EXPECT_EQ(wrong_in(WeightType::bf16, {0.0F, std::nanf("")}), 1);
    // A NaN whose upper 16 bits alone would be an infinity.
    EXPECT_EQ(wrong_in(WeightType::bf16, {std::bit_cast<float>(0x7F80'0001U)}), 0);
}

TEST(StoreRow, takes_the_smallest_scale_with_which_a_block_fits_and_the_nearest_quants) {
    for (const int power : {0, 10, -6, -12, -16, -18, -22, -24, -40}) {
        std::vector<float> x = random_floats(96, 77);
        for (float& value : x) {
            value = std::ldexp(value, power);
        }
        const auto row = stored(WeightType::q8_0, x);
        for (std::size_t block = 0; block < 3; ++block) {
            double largest = 0;
            for (std::size_t i = 0; i < 32; ++i) {
                largest = std::max(largest, std::abs(static_cast<double>(x[32 * block + i])));
            }
            const std::uint32_t bits = naive::little_endian_16(&row[34 * block]);
            const double scale = naive::half(bits);
            EXPECT_GE(scale * 127, largest) << power;
            EXPECT_LT(naive::half(bits - 1) * 127, largest) << power;
            for (std::size_t i = 0; i < 32; ++i) {
                const auto k = static_cast<std::int64_t>(32 * block + i);
                const double exact = static_cast<double>(x[32 * block + i]);
                const double error = naive::element(WeightType::q8_0, row.data(), k) - exact;
                EXPECT_LE(std::abs(error), scale * 0.5000001) << power;
            }
        }
    }
}

TEST(StoreRow, rounds_quants_halfway_to_even) {
    std::vector<float> x(32, 0.0F);
    x[0] = 127.0F; // the scale is 1
    x[1] = 0.5F;
    x[2] = 1.5F;
    x[3] = -2.5F;
    x[4] = -127.0F;
    const auto row = stored(WeightType::q8_0, x);
    const double expected[] = {127, 0, 2, -2, -127, 0};
    for (std::int64_t i = 0; i < 6; ++i) {
        EXPECT_EQ(naive::element(WeightType::q8_0, row.data(), i), expected[i]);
    }
}

TEST(StoreRow, stores_a_block_of_zeros_as_zeros) {
    const auto row = stored(WeightType::q8_0, std::vector<float>(32, -0.0F));
    EXPECT_EQ(row, std::vector<std::byte>(34, std::byte{0}));
}

TEST(StoreRow, names_the_first_number_that_q8_0_cannot_hold) {
    std::vector<float> x(64, 1.0F);
    x[40] = 127.0F * 65504.0F;
    EXPECT_EQ(wrong_in(WeightType::q8_0, x), std::nullopt);
    x[50] = -127.0F * 65504.0F * 1.000001F;
    EXPECT_EQ(wrong_in(WeightType::q8_0, x), 50);
    x[35] = std::nanf("");
    EXPECT_EQ(wrong_in(WeightType::q8_0, x), 35);
    x[3] = kInfinite;
    EXPECT_EQ(wrong_in(WeightType::q8_0, x), 3);
}

} // namespace
} // namespace headroom::kernels
