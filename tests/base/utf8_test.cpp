// Characters are held back until they are whole, other bytes never for long.
#include <string>

#include <gtest/gtest.h>

#include "base/random.hpp"
#include "base/utf8.hpp"

namespace headroom {
namespace {

TEST(WholeCharacters, leave_out_an_unfinished_one_at_the_end) {
    for (const std::string character : {"a", "\u00e9", "\u20ac", "\U0001F600"}) {
        for (std::size_t bytes = 1; bytes <= character.size(); ++bytes) {
            const std::string text = "x\u00e9" + character.substr(0, bytes);
            const std::size_t expected = bytes == character.size() ? text.size() : 3;
            EXPECT_EQ(whole_characters(text), expected) << character << ", " << bytes;
        }
    }
    EXPECT_EQ(whole_characters(""), 0U);
}

TEST(WholeCharacters, bytes_that_belong_to_none_are_whole) {
    EXPECT_EQ(whole_characters("\x80"), 1U);
    EXPECT_EQ(whole_characters("\xFF"), 1U);
    EXPECT_EQ(whole_characters("\xC0"), 1U) << "begins nothing";
    EXPECT_EQ(whole_characters("\xE2\x82\xAC\x80\x80\x80"), 6U);
}

TEST(WholeCharacters, of_any_bytes_lose_at_most_three_and_come_with_the_next_ones) {
    Random random(stream_seed(5, "utf8"));
    std::string all;
    std::string shown;
    std::string pending;
    for (int i = 0; i < 20'000; ++i) {
        const char byte =
            static_cast<char>(random.below(2) == 0 ? 0x80 + random.below(128) : random.below(256));
        all += byte;
        pending += byte;
        const std::size_t whole = whole_characters(pending);
        EXPECT_LE(pending.size() - whole, 3U);
        shown += pending.substr(0, whole);
        pending.erase(0, whole);
    }
    EXPECT_EQ(shown + pending, all);
}

} // namespace
} // namespace headroom
