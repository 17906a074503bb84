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
            EXPECT_EQ(complete_prefix_length(text), expected) << character << ", " << bytes;
        }
    }
    EXPECT_EQ(complete_prefix_length(""), 0U);
}

TEST(WholeCharacters, bytes_that_belong_to_none_are_whole) {
    EXPECT_EQ(complete_prefix_length("\x80"), 1U);
    EXPECT_EQ(complete_prefix_length("\xFF"), 1U);
    EXPECT_EQ(complete_prefix_length("\xC0"), 1U) << "begins nothing";
    EXPECT_EQ(complete_prefix_length("\xE2\x82\xAC\x80\x80\x80"), 6U);
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
        const std::size_t whole = complete_prefix_length(pending);
        EXPECT_LE(pending.size() - whole, 3U);
        shown += pending.substr(0, whole);
        pending.erase(0, whole);
    }
    EXPECT_EQ(shown + pending, all);
}

TEST(Visible, leaves_text_of_any_language_alone) {
    for (const std::string text :
         {"",
          "plain, with ~ and \\ and\n\ttwo lines\n",
          "\u00e9\u20ac\U0001F600 \u05d0\u200f \uFFFD"}) {
        EXPECT_EQ(escape_controls(text), text);
    }
}

TEST(Visible, shows_what_a_terminal_would_obey) {
    EXPECT_EQ(escape_controls("a\x1b[2Jb"), "a\\x1b[2Jb");
    EXPECT_EQ(
        escape_controls(std::string("\0\a\b\r\v\x7f", 6)), "\\x00\\x07\\x08\\x0d\\x0b\\u007f"
    );
    EXPECT_EQ(escape_controls("\u009b31m \u0085"), "\\u009b31m \\u0085") << "controls beyond ASCII";
    EXPECT_EQ(escape_controls("\u202e\u2066x\u2069"), "\\u202e\\u2066x\\u2069") << "directions";
}

TEST(Visible, shows_bytes_that_are_no_text) {
    EXPECT_EQ(
        escape_controls("\x9b"
                        "31m"),
        "\\x9b31m"
    ) << "a control of 8 bits";
    EXPECT_EQ(escape_controls("\xc0\x9b \xe0\x80\x9b"), "\\xc0\\x9b \\xe0\\x80\\x9b")
        << "overlong escapes";
    EXPECT_EQ(
        escape_controls("\xed\xa0\x80\xf4\x90\x80\x80"), "\\xed\\xa0\\x80\\xf4\\x90\\x80\\x80"
    );
    EXPECT_EQ(escape_controls("\xe2\x82"), "\\xe2\\x82") << "cut off";
    EXPECT_EQ(escape_controls("\xe2\x82z"), "\\xe2\\x82z");
}

TEST(Visible, of_any_bytes_has_nothing_left_to_show) {
    Random random(stream_seed(6, "visible"));
    for (int i = 0; i < 3000; ++i) {
        std::string bytes;
        for (std::size_t length = random.below(12); length > 0; --length) {
            bytes += static_cast<char>(
                random.below(3) == 0 ? 0x80 + random.below(128) : random.below(256)
            );
        }
        const std::string text = escape_controls(bytes);
        EXPECT_EQ(escape_controls(text), text);
        for (const char c : text) {
            EXPECT_TRUE(static_cast<unsigned char>(c) >= 0x20 || c == '\n' || c == '\t');
        }
    }
}

} // namespace
} // namespace headroom
