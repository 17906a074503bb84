// Blocks expand to ggml's values: blocks made by hand, and random blocks compared with the
// formula.
#include <algorithm>
#include <bit>
#include <cmath>

#include <gtest/gtest.h>

#include "base/random.hpp"
#include "model/gguf/ggml_types.hpp"
#include "tests/model/support/gguf_writer.hpp"
#include "tests/model/support/random_weights.hpp"

namespace headroom::model {
namespace {

using test::StoredType;

const GgmlType& format_of(StoredType type) {
    return *find_ggml_type(static_cast<std::uint32_t>(type));
}

std::vector<StoredType> expanded_types() {
    std::vector<StoredType> types;
    for (const StoredType type : test::kStoredTypes) {
        if (format_of(type).expand != nullptr) {
            types.push_back(type);
        }
    }
    return types;
}

std::vector<float> expand(StoredType type, const std::string& data) {
    const GgmlType& format = format_of(type);
    std::vector<float> out(data.size() / format.block_bytes * format.block_elements);
    for (std::size_t i = 0; i < data.size() / format.block_bytes; ++i) {
        const auto block = std::as_bytes(std::span(data)).subspan(i * format.block_bytes);
        format.expand(block.data(), &out[i * format.block_elements]);
    }
    return out;
}

constexpr std::uint16_t kOne = 0x3C00; ///< 1 as binary16

TEST(Q4K, expands_a_block_made_by_hand) {
    std::string block = test::raw(kOne) + test::raw(std::uint16_t{0x3800}); // d = 1, dmin = 1/2
    // Scales 1, 2, 3, 4, then 5 | 3·16, 6, 7, 8; minima 10, 11, 12, 13, then 1, 2 | 2·16, 3, 4.
    block += {1 | static_cast<char>(0xC0), 2, 3, 4};
    block += {10, 11 | static_cast<char>(0x80), 12, 13};
    block += {0x15, 0x26, 0x37, 0x48};
    block += std::string(128, '\x21'); // low nibbles 1, high ones 2
    const std::vector<float> out = expand(StoredType::q4_k, block);
    const float expected[] = {
        1 * 1 - 5.0F, // sub-block 0: scale 1, low nibble, minimum 10 / 2
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
    const std::string q4 = test::random_weights(1, kLargestBlock, 0.5, StoredType::q4_k);
    std::string fifth(32, '\0');
    fifth[7] = '\x24'; // weights 2·32 + 7 and 5·32 + 7
    const std::string q5 = q4.substr(0, 16) + fifth + q4.substr(16);
    const std::vector<float> without = expand(StoredType::q4_k, q4);
    const std::vector<float> with = expand(StoredType::q5_k, q5);
    for (std::size_t i = 0; i < kLargestBlock; ++i) {
        if (i == 2 * 32 + 7 || i == 5 * 32 + 7) {
            EXPECT_GT(with[i], without[i]) << i;
        } else {
            EXPECT_EQ(with[i], without[i]) << i;
        }
    }
}

TEST(Q6K, expands_a_block_made_by_hand) {
    std::string block(128, '\x00');
    block[1] = '\x5A';                // weight 1 has low bits 10, weight 65 has 5
    block += std::string(64, '\xE4'); // high bits 0, 1, 2, 3 for the quarters
    for (int i = 0; i < 16; ++i) {
        block += static_cast<char>(i - 8);
    }
    block += test::raw(kOne);
    const std::vector<float> out = expand(StoredType::q6_k, block);
    for (std::size_t i = 0; i < kLargestBlock; ++i) {
        const int low = i == 1 ? 10 : i == 65 ? 5 : 0;
        const int high = static_cast<int>(i / 32 % 4);
        const int scale = static_cast<int>(i / 16) - 8;
        EXPECT_EQ(out[i], static_cast<float>(scale * (low + 16 * high - 32))) << i;
    }
}

TEST(ExpandedTypes, are_all_tested_here) {
    std::size_t expanded = 0;
    for (const GgmlType& type : ggml_types()) {
        expanded += type.expand != nullptr ? 1 : 0;
    }
    EXPECT_EQ(expanded_types().size(), expanded);
}

TEST(ExpandedTypes, have_the_bits_of_ggmls_formula_rounded_once) {
    for (const StoredType type : expanded_types()) {
        for (std::uint64_t seed = 0; seed < 50; ++seed) {
            const std::uint64_t count = 4 * kLargestBlock;
            const std::string data = test::random_weights(stream_seed(seed, "k"), count, 0.5, type);
            const std::vector<float> out = expand(type, data);
            for (std::uint64_t i = 0; i < count; ++i) {
                ASSERT_EQ(out[i], static_cast<float>(test::weight_at(data, i, type)))
                    << name_of(type) << " seed " << seed << " weight " << i;
                ASSERT_LT(std::abs(out[i]), 4.0F); // near the amplitude
            }
        }
    }
}

TEST(ExpandedTypes, depend_on_every_byte_of_a_block) {
    for (const StoredType type : expanded_types()) {
        const std::string data = test::random_weights(1, kLargestBlock, 0.5, type);
        const std::vector<float> out = expand(type, data);
        for (std::size_t i = 0; i < data.size(); ++i) {
            std::string changed = data;
            changed[i] = static_cast<char>(changed[i] ^ 0x11);
            EXPECT_NE(expand(type, changed), out) << name_of(type) << " byte " << i;
        }
    }
}

} // namespace
} // namespace headroom::model
