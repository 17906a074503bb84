// The content hash has the published values of XXH64.
#include <string_view>

#include <gtest/gtest.h>

#include "model/gguf/content_hash.hpp"

namespace headroom::model {
namespace {

std::uint64_t hash_of(std::string_view text) {
    return content_hash(std::as_bytes(std::span(text)));
}

TEST(ContentHash, gives_the_published_values_of_xxh64) {
    EXPECT_EQ(hash_of(""), 0xEF46DB3751D8E999ULL);
    EXPECT_EQ(hash_of("a"), 0xD24EC4F1A98C6E5BULL);
    EXPECT_EQ(hash_of("abc"), 0x44BC2CF5AD770999ULL);
    EXPECT_EQ(hash_of("Nobody inspects the spammish repetition"), 0xFBCEA83C8A378BF1ULL);
}

TEST(ContentHash, differs_for_one_changed_byte_anywhere) {
    std::string text(100, 'x');
    const std::uint64_t before = hash_of(text);
    for (char& c : text) {
        c = 'y';
        EXPECT_NE(hash_of(text), before);
        c = 'x';
    }
}

} // namespace
} // namespace headroom::model
