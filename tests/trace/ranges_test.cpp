// Every number of a trace is held against what it may be: each column of each table in turn is
// given values that would index, count or add up wrongly.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.hpp"
#include "base/saturating.hpp"
#include "tests/trace/sample.hpp"
#include "trace/records/columns.hpp"
#include "trace/records/ranges.hpp"

namespace headroom::trace {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;

using sample::kLeast;
using sample::kMost;

TEST(Ranges, of_every_table_hold_extreme_values_that_are_right) {
    EXPECT_THAT(out_of_range(sample::trace(40, true)), IsEmpty());
    EXPECT_THAT(out_of_range(sample::trace(0, false)), IsEmpty());
    Trace empty;
    empty.intervals.resize(2);
    EXPECT_THAT(out_of_range(empty), IsEmpty());
    EXPECT_NO_THROW(check_ranges(sample::trace(3, true)));
}

/// Sets each signed column of the table's first row to its type's least value, one at a time: no
/// column may hold that.
template <class Row, class RowsIn>
void expect_no_column_takes_the_least(RowsIn rows_in) {
    for_each_column<Row>([&]<class T>(const Column<Row, T>& column) {
        if constexpr (std::is_same_v<T, std::int32_t> || std::is_same_v<T, std::int64_t>) {
            Trace trace = sample::trace(3, true);
            rows_in(trace)->*column.member = kLeast<T>;
            const auto name = std::string("a ") + column.name + " in /" + Table<Row>::name;
            EXPECT_THAT(out_of_range(trace), Contains(HasSubstr(name)));
        }
    });
}

template <class Row>
void expect_no_column_takes_the_least(std::vector<Row> RunHeader::*rows) {
    expect_no_column_takes_the_least<Row>([=](Trace& t) { return &(t.header.*rows).front(); });
}

template <class Row>
void expect_no_column_takes_the_least(std::vector<Row> Interval::*rows) {
    expect_no_column_takes_the_least<Row>([=](Trace& t) { return &(t.intervals[1].*rows).front(); }
    );
}

TEST(Ranges, have_a_lower_end_in_every_column) {
    expect_no_column_takes_the_least(&RunHeader::devices);
    expect_no_column_takes_the_least(&RunHeader::links);
    expect_no_column_takes_the_least(&RunHeader::blocks);
    expect_no_column_takes_the_least(&RunHeader::model);
    expect_no_column_takes_the_least(&RunHeader::layers);
    expect_no_column_takes_the_least(&RunHeader::prompts);
    expect_no_column_takes_the_least(&Interval::resources);
    expect_no_column_takes_the_least(&Interval::link_states);
    expect_no_column_takes_the_least(&Interval::migrations);
    expect_no_column_takes_the_least(&Interval::turns);
    expect_no_column_takes_the_least(&Interval::tokens);
    expect_no_column_takes_the_least(&Interval::requests);
    expect_no_column_takes_the_least(&Interval::ops);
    expect_no_column_takes_the_least(&Interval::messages);
    expect_no_column_takes_the_least(&Interval::events);
    expect_no_column_takes_the_least<IntervalRow>([](Trace& t) { return &t.intervals[1].row; });
}

std::vector<std::string> found_after(void (*spoil)(Trace&)) {
    Trace trace = sample::trace(3, true);
    spoil(trace);
    return out_of_range(trace);
}

TEST(Ranges, of_ids_end_with_what_is_there) {
    const auto one = [](const char* sentence) { return testing::ElementsAre(HasSubstr(sentence)); };
    EXPECT_THAT(
        found_after([](Trace& t) { t.intervals[1].migrations[0].block = 4; }),
        one("a block in /migrations is 4, expected one from 0 to 3")
    );
    EXPECT_THAT(
        found_after([](Trace& t) { t.intervals[1].migrations[0].block = -1; }), one("is -1")
    );
    EXPECT_THAT(
        found_after([](Trace& t) { t.intervals[0].placement[2] = 3; }),
        one("a device in /placements is 3, expected one from -1 to 2")
    );
    EXPECT_THAT(
        found_after([](Trace& t) { t.intervals[0].resources[0].device = 3; }), one("/resources")
    );
    EXPECT_THAT(
        found_after([](Trace& t) { t.intervals[0].resources[0].interval = 3; }), one("/resources")
    );
    EXPECT_THAT(found_after([](Trace& t) { t.intervals[0].messages[0].to = 3; }), one("/messages"));
    EXPECT_THAT(
        found_after([](Trace& t) { t.intervals[0].messages[0].kind = 2; }),
        one("a kind in /messages is 2, expected one from 0 to 1")
    );
    EXPECT_THAT(
        found_after([](Trace& t) { t.intervals[0].turns[0].turn = kMost<std::int64_t>; }),
        one("a turn in /turns")
    );
    EXPECT_THAT(
        found_after([](Trace& t) { t.intervals[0].row.t_end = kLatestTime + 1; }),
        one("a t_end in /intervals")
    );
    EXPECT_THAT(
        found_after([](Trace& t) { t.header.model[0].ffn_width = kMost<std::int64_t>; }),
        one("a ffn_width in /model")
    );
    EXPECT_THAT(
        found_after([](Trace& t) {
            t.header.model[0].vocabulary = 50;
            t.header.prompts.clear();
            t.intervals[0].tokens[0].id = 50;
        }),
        one("a id in /tokens is 50, expected one from -1 to 49")
    );
}

TEST(Ranges, of_sizes_hold_tables_against_each_other) {
    EXPECT_THAT(
        found_after([](Trace& t) { t.header.layers.pop_back(); }),
        Contains(HasSubstr("/layers has 1 rows, expected 2"))
    );
    EXPECT_THAT(
        found_after([](Trace& t) { t.header.devices.resize(65'537); }),
        Contains(HasSubstr("65537 devices"))
    );
    EXPECT_THAT(
        found_after([](Trace& t) {
            t.header.devices.resize(60'000);
            t.intervals.resize(100);
        }),
        Contains(HasSubstr("/resources lacks rows"))
    );
}

TEST(Ranges, that_are_left_are_told_the_first_few_at_once) {
    Trace trace = sample::trace(2, true);
    trace.header.layers[0] = {99, 99, 99, 99, 99, 99, 0};
    try {
        check_ranges(trace);
        FAIL() << "did not throw";
    } catch (const InputError& error) {
        EXPECT_THAT(error.what(), HasSubstr("damaged: a q in /layers is 99"));
        EXPECT_THAT(error.what(), HasSubstr("and 1 more"));
    }
}

TEST(SaturatingSums, stop_at_the_ends) {
    EXPECT_EQ(saturating_sum(kMost<std::int64_t>, 1), kMost<std::int64_t>);
    EXPECT_EQ(saturating_sum(kLeast<std::int64_t>, -1), kLeast<std::int64_t>);
    EXPECT_EQ(saturating_sum(3, -5), -2);
    EXPECT_EQ(saturating_difference(kLeast<std::int64_t>, 1), kLeast<std::int64_t>);
    EXPECT_EQ(saturating_difference(0, kLeast<std::int64_t>), kMost<std::int64_t>);
    EXPECT_EQ(saturating_difference(3, 5), -2);
}

} // namespace
} // namespace headroom::trace
