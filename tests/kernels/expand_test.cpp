// Expanders: blocks made by hand, random blocks compared with the words of the formats, and
// products that have the bits of a product with the expanded floats.
#include "kernels/expand/expand.hpp"
#include "naive.hpp"
#include "support.hpp"

namespace headroom::kernels {
namespace {

using StoredBytes = std::vector<std::byte>;

std::vector<float> expanded(WeightType type, const StoredBytes& data) {
    const WeightFormat& format = format_of(type);
    const auto columns = static_cast<std::int64_t>(data.size()) / format.bytes * format.elements;
    std::vector<float> out(size_of(columns) + 1, -7.0F);
    expand(type, data.data(), columns, out.data());
    EXPECT_EQ(out.back(), -7.0F) << "written past the end";
    out.pop_back();
    return out;
}

void append(StoredBytes& to, std::initializer_list<std::uint64_t> bytes) {
    for (const std::uint64_t byte : bytes) {
        to.push_back(byte_of(byte));
    }
}

void append(StoredBytes& to, std::size_t count, std::uint64_t byte) {
    to.insert(to.end(), count, byte_of(byte));
}

TEST(Q4K, expands_a_block_made_by_hand) {
    StoredBytes block;
    append(block, {0x00, 0x3C, 0x00, 0x38}); // d = 1, dmin = 1/2
    // Scales 1, 2, 3, 4, then 5 | 3·16, 6, 7, 8; minima 10, 11, 12, 13, then 1, 2 | 2·16, 3, 4.
    append(block, {1 | 0xC0, 2, 3, 4, 10, 11 | 0x80, 12, 13, 0x15, 0x26, 0x37, 0x48});
    append(block, 128, 0x21); // low nibbles 1, high ones 2
    const std::vector<float> out = expanded(WeightType::q4_k, block);
    const float expected[] = {
        1 * 1 - 5.0F, // part 0: scale 1, low nibble, minimum 10 / 2
        2 * 2 - 5.5F,
        3 * 1 - 6.0F,
        4 * 2 - 6.5F,
        53 * 1 - 0.5F,
        6 * 2 - 17.0F,
        7 * 1 - 1.5F,
        8 * 2 - 2.0F,
    };
    for (std::size_t j = 0; j < 8; ++j) {
        EXPECT_EQ(out[32 * j], expected[j]) << j;
        EXPECT_EQ(out[32 * j + 31], expected[j]) << j;
    }
}

TEST(Q5K, adds_a_fifth_bit_to_q4_k) {
    const StoredBytes q4 = random_weights(WeightType::q4_k, 1, 256, 3);
    StoredBytes q5(q4.begin(), q4.begin() + 16);
    append(q5, 32, 0);
    q5[16 + 7] = std::byte{0x24}; // weights 2·32 + 7 and 5·32 + 7
    q5.insert(q5.end(), q4.begin() + 16, q4.end());
    const std::vector<float> without = expanded(WeightType::q4_k, q4);
    const std::vector<float> with = expanded(WeightType::q5_k, q5);
    for (std::size_t i = 0; i < 256; ++i) {
        EXPECT_EQ(with[i] != without[i], i == 2 * 32 + 7 || i == 5 * 32 + 7) << i;
    }
}

TEST(Q6K, expands_a_block_made_by_hand) {
    StoredBytes block(128);
    block[1] = std::byte{0x5A}; // weight 1 has low bits 10, weight 65 has 5
    append(block, 64, 0xE4);    // high bits 0, 1, 2, 3 for the quarters
    for (std::uint64_t i = 0; i < 16; ++i) {
        append(block, {i - 8});
    }
    append(block, {0x00, 0x3C});
    const std::vector<float> out = expanded(WeightType::q6_k, block);
    for (std::size_t i = 0; i < 256; ++i) {
        const int low = i == 1 ? 10 : i == 65 ? 5 : 0;
        const int high = static_cast<int>(i / 32 % 4);
        const int scale = static_cast<int>(i / 16) - 8;
        EXPECT_EQ(out[i], static_cast<float>(scale * (low + 16 * high - 32))) << i;
    }
}

TEST(Mxfp4, has_every_power_of_two_as_scale) {
    for (int e = 0; e < 253; ++e) {
        StoredBytes block{byte_of(static_cast<std::uint64_t>(e))};
        for (std::uint64_t i = 0; i < 16; ++i) {
            append(block, {i | (15 - i) << 4});
        }
        const std::vector<float> out = expanded(WeightType::mxfp4, block);
        const float numbers[] = {0, 0.5, 1, 1.5, 2, 3, 4, 6};
        for (std::size_t i = 0; i < 16; ++i) {
            const float value = std::ldexp(numbers[i % 8], e - 127);
            EXPECT_EQ(out[i], i < 8 ? value : -value) << "scale " << e << " code " << i;
            EXPECT_EQ(out[31 - i], out[i]) << "in a high nibble";
        }
    }
}

TEST(Expanders, have_the_bits_of_the_format_rounded_once) {
    for (const WeightType type : kWeightTypes) {
        for (std::uint64_t seed = 0; seed < 50; ++seed) {
            const StoredBytes data = random_weights(type, 1, 1024, seed);
            const std::vector<float> out = expanded(type, data);
            for (std::int64_t k = 0; k < 1024; ++k) {
                const auto value = static_cast<float>(naive::element(type, data.data(), k));
                ASSERT_EQ(out[size_of(k)], value) << name_of(type) << " " << seed << " " << k;
            }
        }
    }
}

TEST(Expanders, depend_on_every_byte_of_a_block) {
    for (const WeightType type : kWeightTypes) {
        const StoredBytes data = random_weights(type, 1, 256, 1);
        const std::vector<float> out = expanded(type, data);
        for (std::size_t i = 0; i < data.size(); ++i) {
            StoredBytes changed = data;
            changed[i] ^= std::byte{0x11};
            EXPECT_FALSE(same_bits(expanded(type, changed), out)) << name_of(type) << " byte " << i;
        }
    }
}

TEST(Expanders, take_scales_that_are_not_finite) {
    for (const WeightType type : kWeightTypes) {
        const WeightFormat& format = format_of(type);
        if (format.elements == 1 || type == WeightType::mxfp4) {
            continue;
        }
        for (const std::size_t place : format.numbers) {
            StoredBytes data = random_weights(type, 1, format.elements, 2);
            put_16(&data[place], 0x7E00);
            const std::vector<float> out = expanded(type, data);
            EXPECT_TRUE(std::isnan(out.front())) << name_of(type) << " scale at " << place;
        }
    }
}

class Expanded : public EachLevel {
  protected:
    /// The products of 7 rows with `tokens` vectors, as stored or as the F32 rows of their floats.
    static std::vector<float> product(
        WeightType type,
        const StoredBytes& data,
        std::int64_t columns,
        std::int64_t tokens,
        bool as_f32
    ) {
        const std::vector<float> floats = expanded(type, data);
        const std::vector<float> x = random_floats(tokens * columns, 5, true);
        std::vector<float> y(size_of(7 * tokens));
        const Matrix stored{type, data.data(), 7, columns};
        const Matrix f32{
            WeightType::f32, reinterpret_cast<const std::byte*>(floats.data()), 7, columns};
        kernels().multiply(as_f32 ? f32 : stored, x.data(), columns, tokens, y.data(), 7);
        return y;
    }
};
INSTANTIATE_TEST_SUITE_P(
    Levels, Expanded, ::testing::Values(Level::reference, Level::avx2, Level::avx512), level_of
);

bool is_expanded(WeightType type) {
    bool result = false;
    visit_weight_type(type, [&]<WeightType kType>(std::integral_constant<WeightType, kType>) {
        result = kExpanded<kType>;
    });
    return result;
}

TEST_P(Expanded, rows_have_the_bits_of_f32_rows_of_their_floats) {
    int types = 0;
    for (const WeightType type : kWeightTypes) {
        if (!is_expanded(type)) {
            continue;
        }
        ++types;
        for (const std::int64_t blocks : {1, 2, 9, 11}) {
            const std::int64_t columns = blocks * format_of(type).elements;
            const StoredBytes data = random_weights(type, 7, columns, 4);
            for (const std::int64_t tokens : {1, 4, 6, 35}) {
                EXPECT_TRUE(same_bits(
                    product(type, data, columns, tokens, false),
                    product(type, data, columns, tokens, true)
                )) << name_of(type)
                   << " " << columns << " columns, " << tokens << " tokens";
            }
        }
    }
    EXPECT_EQ(types, 11);
}

TEST_P(Expanded, rows_have_other_bits_where_a_scale_waits_for_the_sum) { // twin
    const StoredBytes data = random_weights(WeightType::q8_0, 7, 96, 4);
    EXPECT_FALSE(same_bits(
        product(WeightType::q8_0, data, 96, 4, false), product(WeightType::q8_0, data, 96, 4, true)
    ));
}

} // namespace
} // namespace headroom::kernels
