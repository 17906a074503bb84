// Every number of a trace is checked against its valid range: each column of each table in turn
// gets values that would be wrong as an index, a count or a summand.
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

using sample::kMax;
using sample::kMin;

TEST(Ranges, accept_valid_extreme_values_in_every_table) {
    EXPECT_THAT(range_errors(sample::trace(40, true)), IsEmpty());
    EXPECT_THAT(range_errors(sample::trace(0, false)), IsEmpty());
    Trace empty;
    empty.intervals.resize(2);
    EXPECT_THAT(range_errors(empty), IsEmpty());
    EXPECT_NO_THROW(check_ranges(sample::trace(3, true)));
}

/// Sets each signed column of the table's first row, one at a time, to the smallest value of its
/// type. Expects an error for each.
template <class Row, class RowsIn>
void expect_no_column_accepts_the_minimum(RowsIn rows_in) {
    for_each_column<Row>([&]<class T>(const Column<Row, T>& column) {
        if constexpr (std::is_same_v<T, std::int32_t> || std::is_same_v<T, std::int64_t>) {
            Trace trace = sample::trace(3, true);
            rows_in(trace)->*column.member = kMin<T>;
            const auto name = std::string("a ") + column.name + " in /" + Table<Row>::name;
            EXPECT_THAT(range_errors(trace), Contains(HasSubstr(name)));
        }
    });
}

template <class Row>
void expect_no_column_accepts_the_minimum(std::vector<Row> RunHeader::*rows) {
    expect_no_column_accepts_the_minimum<Row>([=](Trace& t) { return &(t.header.*rows).front(); });
}

template <class Row>
void expect_no_column_accepts_the_minimum(std::vector<Row> Interval::*rows) {
    expect_no_column_accepts_the_minimum<Row>([=](Trace& t) {
        return &(t.intervals[1].*rows).front();
    });
}

TEST(Ranges, have_a_minimum_in_every_column) {
    expect_no_column_accepts_the_minimum(&RunHeader::devices);
    expect_no_column_accepts_the_minimum(&RunHeader::links);
    expect_no_column_accepts_the_minimum(&RunHeader::blocks);
    expect_no_column_accepts_the_minimum(&RunHeader::model);
    expect_no_column_accepts_the_minimum(&RunHeader::layers);
    expect_no_column_accepts_the_minimum(&RunHeader::prompts);
    expect_no_column_accepts_the_minimum(&Interval::resources);
    expect_no_column_accepts_the_minimum(&Interval::link_states);
    expect_no_column_accepts_the_minimum(&Interval::migrations);
    expect_no_column_accepts_the_minimum(&Interval::turns);
    expect_no_column_accepts_the_minimum(&Interval::tokens);
    expect_no_column_accepts_the_minimum(&Interval::requests);
    expect_no_column_accepts_the_minimum(&Interval::ops);
    expect_no_column_accepts_the_minimum(&Interval::messages);
    expect_no_column_accepts_the_minimum(&Interval::events);
    expect_no_column_accepts_the_minimum<IntervalRow>([](Trace& t) { return &t.intervals[1].row; });
}

std::vector<std::string> errors_after(void (*change)(Trace&)) {
    Trace trace = sample::trace(3, true);
    change(trace);
    return range_errors(trace);
}

TEST(Ranges, of_ids_end_at_the_size_of_their_table) {
    const auto one = [](const char* sentence) { return testing::ElementsAre(HasSubstr(sentence)); };
    EXPECT_THAT(
        errors_after([](Trace& t) { t.intervals[1].migrations[0].block = 4; }),
        one("a block in /migrations is 4, expected one from 0 to 3")
    );
    EXPECT_THAT(
        errors_after([](Trace& t) { t.intervals[1].migrations[0].block = -1; }), one("is -1")
    );
    EXPECT_THAT(
        errors_after([](Trace& t) { t.intervals[0].placement[2] = 3; }),
        one("a device in /placements is 3, expected one from -1 to 2")
    );
    EXPECT_THAT(
        errors_after([](Trace& t) { t.intervals[0].resources[0].device = 3; }), one("/resources")
    );
    EXPECT_THAT(
        errors_after([](Trace& t) { t.intervals[0].resources[0].interval = 3; }), one("/resources")
    );
    EXPECT_THAT(
        errors_after([](Trace& t) { t.intervals[0].messages[0].to = 3; }), one("/messages")
    );
    EXPECT_THAT(
        errors_after([](Trace& t) { t.intervals[0].messages[0].kind = 2; }),
        one("a kind in /messages is 2, expected one from 0 to 1")
    );
    EXPECT_THAT(
        errors_after([](Trace& t) { t.intervals[0].turns[0].turn = kMax<std::int64_t>; }),
        one("a turn in /turns")
    );
    EXPECT_THAT(
        errors_after([](Trace& t) { t.intervals[0].row.t_end = kMaxTraceTime + 1; }),
        one("a t_end in /intervals")
    );
    EXPECT_THAT(
        errors_after([](Trace& t) { t.header.model[0].ffn_width = kMax<std::int64_t>; }),
        one("a ffn_width in /model")
    );
    EXPECT_THAT(
        errors_after([](Trace& t) {
            t.header.model[0].vocabulary = 50;
            t.header.prompts.clear();
            t.intervals[0].tokens[0].id = 50;
        }),
        one("a id in /tokens is 50, expected one from -1 to 49")
    );
}

TEST(Ranges, include_the_sizes_of_tables) {
    EXPECT_THAT(
        errors_after([](Trace& t) { t.header.layers.pop_back(); }),
        Contains(HasSubstr("/layers has 1 rows, expected 2"))
    );
    EXPECT_THAT(
        errors_after([](Trace& t) { t.header.devices.resize(65'537); }),
        Contains(HasSubstr("65537 devices"))
    );
    EXPECT_THAT(
        errors_after([](Trace& t) {
            t.header.devices.resize(60'000);
            t.intervals.resize(100);
        }),
        Contains(HasSubstr("/resources lacks rows"))
    );
}

TEST(Ranges, report_the_first_few_errors_in_one_message) {
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

TEST(SaturatingSums, stop_at_the_limits_of_the_type) {
    EXPECT_EQ(saturating_sum(kMax<std::int64_t>, 1), kMax<std::int64_t>);
    EXPECT_EQ(saturating_sum(kMin<std::int64_t>, -1), kMin<std::int64_t>);
    EXPECT_EQ(saturating_sum(3, -5), -2);
    EXPECT_EQ(saturating_difference(kMin<std::int64_t>, 1), kMin<std::int64_t>);
    EXPECT_EQ(saturating_difference(0, kMin<std::int64_t>), kMax<std::int64_t>);
    EXPECT_EQ(saturating_difference(3, 5), -2);
}

} // namespace
} // namespace headroom::trace
