// Charts drawn with characters: their length, what they show, and that no line is too wide.
#include <algorithm>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/random.hpp"
#include "cli/trace/inspect_trace_pictures.hpp"
#include "tests/trace/sample.hpp"

namespace headroom::cli {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr PictureStyle kPlain{.width = 80, .blocks = false, .colour = false};

TEST(Bar, has_the_requested_length_whatever_its_parts_are) {
    Random random(stream_seed(1, "bars"));
    for (int i = 0; i < 1000; ++i) {
        std::vector<BarPart> parts(random.below(5));
        for (BarPart& part : parts) {
            part.share = static_cast<double>(random.below(100)) / 150.0;
        }
        const std::size_t length = random.below(30);
        EXPECT_EQ(bar(kPlain, parts, length).size(), length);
        EXPECT_EQ(characters(bar({.blocks = true}, parts, length)), length);
    }
}

TEST(Bar, shows_shares_and_even_the_smallest_part) {
    EXPECT_EQ(bar(kPlain, {{0.5, Ink::blue, 3}}, 10), "#####.....");
    EXPECT_EQ(bar(kPlain, {{0.5, Ink::blue, 3}, {0.3, Ink::dim, 1}}, 10), "#####---..");
    EXPECT_EQ(bar(kPlain, {{0.001, Ink::blue, 3}}, 10), "#.........");
    EXPECT_EQ(bar(kPlain, {{0, Ink::blue, 3}}, 10), "..........");
    EXPECT_EQ(bar(kPlain, {{2.0, Ink::blue, 3}}, 10), "##########");
}

TEST(Bar, has_colours_only_on_request) {
    const std::vector<BarPart> parts{{0.5, Ink::blue, 3}};
    EXPECT_THAT(bar({.colour = true}, parts, 4), HasSubstr("\x1b[34m"));
    EXPECT_THAT(bar({.colour = false}, parts, 4), Not(HasSubstr("\x1b")));
}

TEST(Heights, reach_from_lowest_to_full) {
    EXPECT_EQ(height_chart(kPlain, {0, 1, 4, 8, 80}, 8, false), "__-##");
    EXPECT_EQ(height_chart(kPlain, {0, 1, 8}, 8, true), " _#");
    EXPECT_EQ(height_chart(kPlain, {0, 0}, 0, false), "__");
    EXPECT_EQ(height_chart({.blocks = true}, {4, 8}, 8, false), "▄█");
}

TEST(Columns, summarise_all_values_and_are_limited_in_number) {
    for (std::size_t values = 0; values < 200; ++values) {
        for (const std::size_t most : {1U, 7U, 60U}) {
            const Columns columns = columns_within(values, most);
            EXPECT_LE(columns.count(), most);
            EXPECT_EQ(values <= most && values > 0 ? values : columns.count(), columns.count());
            if (values > 0) {
                EXPECT_EQ(columns.column_of(values - 1), columns.count() - 1);
            }
        }
    }
}

/// A trace of three devices with four tokens per interval. Blocks move in every other interval.
trace::Trace moving_trace(std::int64_t intervals) {
    trace::Trace trace = trace::sample::trace(intervals, true);
    Nanoseconds now = 0;
    for (std::size_t i = 0; i < trace.intervals.size(); ++i) {
        trace::Interval& interval = trace.intervals[i];
        interval.row.predicted_migration_ns = 0;
        interval.row.t_dec = interval.row.t_switch = now;
        interval.row.t_resume = now + (interval.row.moves > 0 ? 500 : 0);
        interval.tokens.clear();
        for (std::int64_t t = 0; t < 4; ++t) {
            now += 1000 + 500 * (t == 0 ? interval.row.moves : 0);
            interval.tokens.push_back({.sequence = 0, .position = t, .end = now});
        }
        interval.row.t_end = now;
        interval.placement = {0, static_cast<std::int32_t>(i % 2), 0, 0};
        interval.resources = {
            {.interval = 0,
             .device = 0,
             .memory_budget_bytes = 100,
             .memory_peak_bytes = 150,
             .busy_ns = 800}};
        interval.ops.clear();
        interval.messages.clear();
    }
    return trace;
}

std::string shown(const trace::Trace& trace, const PictureStyle& style) {
    trace::Summarizer summarizer;
    trace::sample::record(trace, summarizer);
    return pictures_text(trace, summarizer.summary(), style);
}

TEST(Pictures, mark_what_moved) {
    const std::string text = shown(moving_trace(4), kPlain);
    EXPECT_THAT(text, HasSubstr("time per token, 1.00 us to 1.50 us; full height is 1.50 us\n"));
    EXPECT_THAT(text, HasSubstr("\n    +++#+++++++#+++\n"));
    EXPECT_THAT(text, HasSubstr("\n    .  ^   .   ^\n"));
    EXPECT_THAT(text, HasSubstr("150 %"));
    EXPECT_THAT(text, HasSubstr(" !\n"));
    EXPECT_THAT(text, HasSubstr("groups per device over time, a column per interval"));
    EXPECT_THAT(text, HasSubstr("links used most, of 1 with 21 B in all"));
}

TEST(Pictures, keep_to_the_width_and_have_no_blanks_at_the_end) {
    for (const std::int64_t intervals : {1, 3, 50, 500}) {
        for (const std::size_t width : {72U, 80U, 160U}) {
            for (const bool blocks : {false, true}) {
                const trace::Trace trace = moving_trace(intervals);
                std::istringstream lines(
                    shown(trace, {.width = width, .blocks = blocks, .colour = false})
                );
                for (std::string line; std::getline(lines, line);) {
                    const bool is_title = line.size() > 2 && line[2] != ' ';
                    EXPECT_TRUE(is_title || characters(line) <= width) << line;
                    EXPECT_FALSE(line.ends_with(' ')) << "'" << line << "'";
                }
            }
        }
    }
}

TEST(Pictures, are_empty_for_an_empty_trace) {
    EXPECT_EQ(shown(trace::Trace(), kPlain), "");
}

} // namespace
} // namespace headroom::cli
