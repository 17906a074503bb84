// Structs as flat bytes: every kind of field arrives, and bytes that are no message are refused.
#include <filesystem>
#include <optional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "../support/wire_check.hpp"

namespace headroom {
namespace {

using testing::HasSubstr;

enum class Colour : std::uint8_t { red, green };

struct Inner {
    std::int16_t number = 0;
    std::vector<std::string> words;
    static auto wire_fields(auto& m) { return Fields() & m.number & m.words; }
};

/// Has a field of every kind.
struct Everything {
    bool truth = false;
    Colour colour = Colour::red;
    double fraction = 0;
    std::string text;
    std::filesystem::path path;
    DeviceId device;
    std::optional<std::int32_t> perhaps;
    std::vector<std::int64_t> numbers;
    std::vector<DeviceId> devices;
    std::vector<std::vector<std::int32_t>> lists;
    std::vector<std::pair<std::string, std::int32_t>> pairs;
    Inner inner;
    std::vector<Inner> inners;
    static auto wire_fields(auto& m) {
        return Fields() & m.truth & m.colour & m.fraction & m.text & m.path & m.device & m.perhaps &
               m.numbers & m.devices & m.lists & m.pairs & m.inner & m.inners;
    }
};

/// A twin of Inner whose list lacks a field.
struct Forgetful {
    std::int16_t number = 0;
    std::vector<std::string> words;
    static auto wire_fields(auto& m) { return Fields() & m.number; }
};
static_assert(lists_every_field<Inner>());
static_assert(!lists_every_field<Forgetful>());

/// A twin whose list has a field twice, and another not at all.
struct Twice {
    std::int16_t number = 0;
    std::int16_t other = 0;
    static auto wire_fields(auto& m) { return Fields() & m.number & m.number; }
};

std::vector<std::byte> bytes_of(std::initializer_list<int> values) {
    std::vector<std::byte> bytes;
    for (const int value : values) {
        bytes.push_back(static_cast<std::byte>(value));
    }
    return bytes;
}

std::string complaint(std::span<const std::byte> bytes) {
    try {
        (void)unpack<Inner>(bytes);
    } catch (const Bug& bug) {
        return bug.what();
    }
    return "none";
}

TEST(Wire, carries_every_kind_of_field) {
    support::expect_that_it_travels_whole<Everything>();
    support::expect_that_it_travels_whole<Inner>();
}

TEST(Wire, notices_a_field_that_stands_in_the_list_twice) {
    EXPECT_TRUE(support::lists_no_field_twice<Inner>());
    EXPECT_FALSE(support::lists_no_field_twice<Twice>());
}

TEST(Wire, has_the_front_of_the_handshake_as_in_all_versions) {
    const std::pair<std::string, std::string> front{"ab", "c"};
    const auto expected = bytes_of({2, 0, 0, 0, 0, 0, 0, 0, 'a', 'b', 1, 0, 0, 0, 0, 0, 0, 0, 'c'});
    EXPECT_EQ(pack(front), expected);
    auto longer = expected;
    longer.push_back({});
    EXPECT_EQ((unpack_front<std::pair<std::string, std::string>>(longer)), front);
}

TEST(Wire, says_where_a_message_is_damaged) {
    EXPECT_THAT(complaint(bytes_of({7})), HasSubstr("2 bytes wanted at byte 0 of a message of 1"));
    EXPECT_THAT(
        complaint(bytes_of({7, 0, 1, 0, 0, 0, 0, 0, 0, 0})),
        HasSubstr("1 elements at byte 10 of a message of 10")
    );
    EXPECT_THAT(
        complaint(bytes_of({7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9})),
        HasSubstr("1 bytes too many at byte 10 of a message of 11")
    );
    EXPECT_TRUE(support::is_refused<bool>(bytes_of({2})));
    EXPECT_TRUE(unpack<bool>(bytes_of({1})));
}

TEST(Wire, allocates_nothing_for_elements_that_are_not_there) {
    const std::vector<std::byte> much(8, std::byte{0xff});
    EXPECT_TRUE(support::is_refused<std::string>(much));
    EXPECT_TRUE(support::is_refused<std::vector<std::int64_t>>(much));
    EXPECT_TRUE(support::is_refused<std::vector<Inner>>(much));
}

} // namespace
} // namespace headroom
