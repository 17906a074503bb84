// Common mistakes in units, and the suggestions of their errors.
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/toml/unit_hints.hpp"

namespace headroom::config {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

struct Case {
    Quantity quantity;
    std::string written;
    std::vector<std::string> meant;
};

TEST(UnitHints, recognise_common_mistakes) {
    const std::vector<Case> cases{
        {Quantity::compute_rate, "30 GFLOPS", {"30 GFLOP/s"}},
        {Quantity::compute_rate, "30 GFLOP", {"30 GFLOP/s"}},
        {Quantity::compute_rate, "1.5tflops", {"1.5 TFLOP/s"}},
        {Quantity::compute_rate, "1e3 MFlops/s", {"1e3 MFLOP/s"}},
        {Quantity::compute_rate, "5 flops", {"5 FLOP/s"}},
        {Quantity::byte_rate, "100 Mbps", {"100 Mbit/s"}},
        {Quantity::byte_rate, "100 mbps", {"100 Mbit/s"}},
        {Quantity::byte_rate, "1 Gbps", {"1 Gbit/s"}},
        {Quantity::byte_rate, "12 MBps", {"12 MB/s"}},
        {Quantity::byte_rate, "12 Mib", {"12 MiB/s"}},
        {Quantity::byte_rate, "12 MiBps", {"12 MiB/s"}},
        {Quantity::byte_rate, "12 GB", {"12 GB/s"}},
        {Quantity::byte_rate, "12 Mbit", {"12 Mbit/s"}},
        {Quantity::byte_rate, "12 mbit/s", {"12 Mbit/s"}},
        {Quantity::byte_rate, "1 Gb/s", {"1 Gbit/s"}},
        {Quantity::byte_rate, "1 gb/s", {"1 Gbit/s", "1 GB/s"}},
        {Quantity::byte_rate, "1 bps", {"1 bit/s"}},
        {Quantity::bytes, "4 gb", {"4 GB"}},
        {Quantity::bytes, "4 Gib", {"4 GiB"}},
        {Quantity::bytes, "4 gib", {"4 GiB"}},
        {Quantity::bytes, "4 Mib", {"4 MiB"}},
        {Quantity::bytes, "4 G", {"4 GiB"}},
        {Quantity::bytes, "4k", {"4 KiB"}},
        {Quantity::bytes, "4 Mi", {"4 MiB"}},
        {Quantity::bytes, "4 bytes", {"4 B"}},
        {Quantity::duration, "2 sec", {"2 s"}},
        {Quantity::duration, "2 S", {"2 s"}},
        {Quantity::duration, "2 msec", {"2 ms"}},
        {Quantity::duration, " 2 seconds ", {"2 s"}},
        {Quantity::duration, "2 minutes", {"2 min"}},
        {Quantity::duration, "2 usec", {"2 us"}},
    };
    for (const Case& slip : cases) {
        EXPECT_EQ(quantity_guesses(slip.quantity, slip.written), slip.meant) << slip.written;
        for (const std::string& meant : slip.meant) {
            EXPECT_TRUE(parse_quantity(slip.quantity, meant)) << meant;
        }
    }
}

TEST(UnitHints, suggest_nothing_for_unknown_units) {
    for (const Quantity quantity :
         {Quantity::bytes, Quantity::compute_rate, Quantity::byte_rate, Quantity::duration}) {
        for (const char* text : {"", "4", "GB", "4 GHz", "4 xB", "4 \"", "much", "4 %"}) {
            EXPECT_THAT(quantity_guesses(quantity, text), IsEmpty()) << text;
        }
    }
    EXPECT_THAT(quantity_guesses(Quantity::compute_rate, "2 Gbit/s"), IsEmpty());
    EXPECT_THAT(quantity_guesses(Quantity::byte_rate, "2 Tbit/s"), IsEmpty()) << "no such unit";
    EXPECT_THAT(quantity_guesses(Quantity::bytes, "2 Gbit"), IsEmpty());
}

TEST(UnitHints, turn_percent_into_fractions) {
    EXPECT_EQ(percent_hint("50 %"), "; did you mean 0.5?");
    EXPECT_EQ(percent_hint("33.3%"), "; did you mean 0.333?");
    EXPECT_EQ(percent_hint("100%"), "; did you mean 1.0?");
    EXPECT_EQ(percent_hint("101 %"), "");
    EXPECT_EQ(percent_hint("-1 %"), "");
    EXPECT_EQ(percent_hint("half"), "");
    EXPECT_EQ(percent_hint("0.5"), "");
}

TEST(UnitHints, recognise_rates_of_arrivals) {
    EXPECT_EQ(parse_per_second("0.5 /s"), 0.5);
    EXPECT_EQ(parse_per_second("  3/min "), 0.05);
    EXPECT_EQ(parse_per_second("36 /h"), 0.01);
    for (const char* other : {"", "/s", "0.5", "0.5 s", "0.5 Hz", "0.5 /S", "x /s", "1 / s"}) {
        EXPECT_EQ(parse_per_second(other), std::nullopt) << other;
    }
    EXPECT_EQ(per_second_hint("0.5 Hz"), "; did you mean \"0.5 /s\"?");
    EXPECT_EQ(per_second_hint("0.5 per second"), "; did you mean \"0.5 /s\"?");
    EXPECT_EQ(per_second_hint("2 requests/min"), "; did you mean \"2 /min\"?");
    EXPECT_EQ(per_second_hint("2/hour"), "; did you mean \"2 /h\"?");
    EXPECT_EQ(per_second_hint("2 1/sec"), "; did you mean \"2 /s\"?");
    for (const char* unknown : {"", "fast", "2", "2 /day", "2 GB/mile"}) {
        EXPECT_EQ(per_second_hint(unknown), "") << unknown;
    }
}

} // namespace
} // namespace headroom::config
