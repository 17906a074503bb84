// Quantities as users write them come out in base units, and only those do.
#include <gtest/gtest.h>

#include "base/block.hpp"
#include "base/units.hpp"
#include "base/weight_type.hpp"

namespace headroom {
namespace {

TEST(Units, parses_what_the_messages_suggest) {
    EXPECT_EQ(parse_quantity(Quantity::bytes, "4 GiB"), 4.0 * 1024 * 1024 * 1024);
    EXPECT_EQ(parse_quantity(Quantity::bytes, "512MB"), 512e6);
    EXPECT_EQ(parse_quantity(Quantity::compute_rate, "30 GFLOP/s"), 30e9);
    EXPECT_EQ(parse_quantity(Quantity::byte_rate, "100 Mbit/s"), 12.5e6);
    EXPECT_EQ(parse_quantity(Quantity::byte_rate, "12 GB/s"), 12e9);
    EXPECT_EQ(parse_quantity(Quantity::duration, "2 ms"), 2e6);
    EXPECT_EQ(parse_quantity(Quantity::duration, "0 s"), 0.0);
}

TEST(Units, refuses_other_units_and_garbage) {
    for (const char* text : {"", "4", "GiB", "4 GHz", "4 GiB x", "nan B", "1e999 B", "4  Gib"}) {
        EXPECT_FALSE(parse_quantity(Quantity::bytes, text)) << text;
    }
    EXPECT_FALSE(parse_quantity(Quantity::byte_rate, "3 GiB"));
    EXPECT_FALSE(parse_quantity(Quantity::duration, "3 Mbit/s"));
}

TEST(Units, formats_with_three_digits) {
    EXPECT_EQ(format_bytes(1536), "1.50 KiB");
    EXPECT_EQ(format_bytes(17), "17 B");
    EXPECT_EQ(format_duration(12'345'678), "12.3 ms");
    EXPECT_EQ(format_duration(kNever), "never");
    EXPECT_EQ(format_byte_rate(12'500'000), "100 Mbit/s");
    EXPECT_EQ(format_compute_rate(kUnlimited), "unlimited");
}

TEST(WeightTypes, rows_have_their_stored_bytes) {
    EXPECT_EQ(row_bytes(WeightType::f32, 10), 40);
    EXPECT_EQ(row_bytes(WeightType::q8_0, 256), 272);
    EXPECT_EQ(name_of(WeightType::q8_0), "q8_0");
}

TEST(BlockNames, read_as_people_say_them) {
    EXPECT_EQ(to_string({BlockKind::group, 3, 5}), "L3.g5");
    EXPECT_EQ(to_string({BlockKind::ffn, 0, -1}), "L0.ffn");
    EXPECT_EQ(to_string({BlockKind::lm_head, -1, -1}), "lm_head");
}

} // namespace
} // namespace headroom
