// Decimals become exact fractions, quantities become exact integers, and misspelt words are matched
// with similar ones.
#include <limits>

#include <gtest/gtest.h>

#include "config/toml/exact.hpp"

namespace headroom::config {
namespace {

std::pair<std::int64_t, std::int64_t> ratio(double value) {
    const auto found = decimal_ratio(value);
    return found ? std::pair(found->numerator, found->denominator)
                 : std::pair<std::int64_t, std::int64_t>(0, 0);
}

TEST(DecimalRatio, is_the_written_decimal_in_lowest_terms) {
    EXPECT_EQ(ratio(0.0001), std::pair(1L, 10'000L));
    EXPECT_EQ(ratio(0.1), std::pair(1L, 10L)); // not 3602879701896397/2^55
    EXPECT_EQ(ratio(0.25), std::pair(1L, 4L));
    EXPECT_EQ(ratio(1.0), std::pair(1L, 1L));
    EXPECT_EQ(ratio(2.5), std::pair(5L, 2L));
    EXPECT_EQ(ratio(3e5), std::pair(300'000L, 1L));
    EXPECT_EQ(ratio(1e12), std::pair(1'000'000'000'000L, 1L));
    EXPECT_EQ(ratio(0.333333), std::pair(333'333L, 1'000'000L));
    EXPECT_EQ(ratio(1e-12), std::pair(1L, 1'000'000'000'000L));
    EXPECT_EQ(ratio(0.0009765625), std::pair(1L, 1024L)); // 5^10 cancels
}

TEST(DecimalRatio, refuses_numbers_that_are_not_positive_or_too_long) {
    constexpr double kInfinity = std::numeric_limits<double>::infinity();
    for (const double value :
         {0.0,
          -1.0,
          -0.5,
          kInfinity,
          -kInfinity,
          1e13,
          1e-13,
          1e300,
          5e-324,
          0.1234567890123,
          1234567890123.5,
          1.0 / 3.0}) {
        EXPECT_FALSE(decimal_ratio(value)) << value;
    }
    EXPECT_FALSE(decimal_ratio(std::numeric_limits<double>::quiet_NaN()));
}

TEST(WholeUnits, round_down_but_tolerate_binary_fractions) {
    EXPECT_LT(4.35 * 100, 435.0); // the product is 434.99999999999994
    EXPECT_EQ(whole_units(4.35 * 100), 435);
    EXPECT_EQ(whole_units(1.9), 1);
    EXPECT_EQ(whole_units(0.999), 0);
    EXPECT_EQ(whole_units(0.0), 0);
    EXPECT_EQ(whole_units(1e18), 1'000'000'000'000'000'000);
}

TEST(Scaled, rounds_down_once_and_sees_overflow) {
    EXPECT_EQ(scaled(10, {1, 3}), 3);
    EXPECT_EQ(scaled(kMaxValue, {1, 1}), kMaxValue);
    EXPECT_EQ(scaled(kMaxValue, {1'000'000'000'000, 999'999'999'999}), std::nullopt);
    EXPECT_EQ(scaled(kMaxValue, {999'999'999'999, 1'000'000'000'000}), 999'999'999'999'000'000);
}

TEST(NearestWord, finds_words_despite_typing_errors_but_not_other_words) {
    const std::vector<std::string> words{"memory", "memory_load", "name", "at", "load"};
    EXPECT_EQ(nearest_word("memroy", words), "memory");
    EXPECT_EQ(nearest_word("memry", words), "memory");
    EXPECT_EQ(nearest_word("memory_laod", words), "memory_load");
    EXPECT_EQ(nearest_word("nane", words), "name");
    EXPECT_EQ(nearest_word("aat", words), "at");
    EXPECT_EQ(nearest_word("colour", words), "");
    EXPECT_EQ(nearest_word("", words), "");
    EXPECT_EQ(nearest_word(std::string(100'000, 'x'), words), "");
}

TEST(Utf8, finds_the_first_invalid_byte) {
    EXPECT_FALSE(first_invalid_utf8("plain, ä, €, 😀"));
    EXPECT_FALSE(first_invalid_utf8(""));
    EXPECT_EQ(first_invalid_utf8("ab\xFF"), 2U);
    EXPECT_EQ(first_invalid_utf8("a\xC3"), 1U);            // cut off
    EXPECT_EQ(first_invalid_utf8("\xC0\x80"), 0U);         // overlong
    EXPECT_EQ(first_invalid_utf8("\xE0\x80\x80"), 0U);     // overlong
    EXPECT_EQ(first_invalid_utf8("\xED\xA0\x80"), 0U);     // surrogate
    EXPECT_EQ(first_invalid_utf8("\xF4\x90\x80\x80"), 0U); // beyond U+10FFFF
}

} // namespace
} // namespace headroom::config
