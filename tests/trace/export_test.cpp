// Parts of the exports: tracks, gaps, texts and numbers. tests/cli/export_test.py compares whole
// files with the trace.
#include <algorithm>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "base/random.hpp"
#include "tests/trace/sample.hpp"
#include "trace/analysis/csv.hpp"
#include "trace/analysis/gaps.hpp"
#include "trace/analysis/track_indices.hpp"
#include "trace/export/perfetto.hpp"
#include "trace/export/trace_events.hpp"

namespace headroom::trace {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::vector<Span> random_spans(Random& random) {
    std::vector<Span> spans(random.below(12));
    for (Span& span : spans) {
        span.begin = static_cast<Nanoseconds>(random.below(10));
        span.end = span.begin + static_cast<Nanoseconds>(random.below(5));
    }
    std::sort(spans.begin(), spans.end(), [](const Span& a, const Span& b) {
        return a.begin < b.begin;
    });
    return spans;
}

/// Returns the number of pairs of spans that overlap on one track.
int overlaps(const std::vector<Span>& spans, const std::vector<std::size_t>& tracks) {
    int found = 0;
    for (std::size_t i = 0; i < spans.size(); ++i) {
        for (std::size_t j = 0; j < i; ++j) {
            found += tracks[i] == tracks[j] && spans[i].begin < spans[j].end ? 1 : 0;
        }
    }
    return found;
}

/// Returns the minimal number of tracks: the largest number of spans at the start of any span.
std::size_t min_track_count(const std::vector<Span>& spans) {
    std::size_t most = 0;
    for (std::size_t i = 0; i < spans.size(); ++i) {
        std::size_t open = 1;
        for (std::size_t j = 0; j < i; ++j) {
            open += spans[j].end > spans[i].begin ? 1U : 0U;
        }
        most = std::max(most, open);
    }
    return most;
}

TEST(TrackIndices, have_no_overlaps_and_are_as_few_as_possible) {
    Random random(stream_seed(3, "lanes"));
    for (int i = 0; i < 1000; ++i) {
        const std::vector<Span> spans = random_spans(random);
        const std::vector<std::size_t> tracks = track_indices(spans);
        ASSERT_EQ(tracks.size(), spans.size());
        EXPECT_EQ(overlaps(spans, tracks), 0);
        const std::size_t used =
            tracks.empty() ? 0 : 1 + *std::max_element(tracks.begin(), tracks.end());
        EXPECT_EQ(used, min_track_count(spans));
    }
}

TEST(TrackIndices, a_planted_overlap_is_found) {
    const std::vector<Span> spans{{0, 4}, {3, 5}};
    EXPECT_EQ(overlaps(spans, {0, 0}), 1);
    EXPECT_EQ(overlaps(spans, track_indices(spans)), 0);
}

TEST(Microseconds, lose_no_nanosecond) {
    EXPECT_EQ(microseconds(0), "0.000");
    EXPECT_EQ(microseconds(7), "0.007");
    EXPECT_EQ(microseconds(12'003), "12.003");
    EXPECT_EQ(microseconds(-1), "-0.001");
    EXPECT_EQ(microseconds(kNever), "9223372036854775.807");
    EXPECT_EQ(microseconds(sample::kMin<Nanoseconds>), "-9223372036854775.808");
    Random random(stream_seed(3, "microseconds"));
    for (int i = 0; i < 1000; ++i) {
        const auto time = static_cast<Nanoseconds>(random.below(std::uint64_t{1} << 51));
        EXPECT_EQ(std::llround(std::stod(microseconds(time)) * 1000.0), time);
    }
}

TEST(JsonText, is_valid_whatever_the_bytes_are) {
    EXPECT_EQ(json_text("a\"b\\\n"), R"("a\"b\\\n")");
    EXPECT_EQ(json_text("größer →"), "\"größer →\"");
    EXPECT_EQ(json_text(std::string("\xff\0", 2)), "\"\xef\xbf\xbd\\u0000\"");
}

TEST(CsvField, is_quoted_where_it_must_be) {
    EXPECT_EQ(csv_field("plain text"), "plain text");
    EXPECT_EQ(csv_field(""), "");
    EXPECT_EQ(csv_field("a,b"), "\"a,b\"");
    EXPECT_EQ(csv_field("say \"no\""), "\"say \"\"no\"\"\"");
    EXPECT_EQ(csv_field("two\nlines"), "\"two\nlines\"");
    EXPECT_EQ(csv_field("\r"), "\"\r\"");
}

TEST(CsvField, is_never_a_spreadsheet_formula) {
    EXPECT_EQ(csv_field("=1+1"), "\"'=1+1\"");
    EXPECT_EQ(csv_field("+x"), "\"'+x\"");
    EXPECT_EQ(csv_field("- no,\"no\""), "\"'- no,\"\"no\"\"\"");
    EXPECT_EQ(csv_field("@SUM(A1)"), "\"'@SUM(A1)\"");
    EXPECT_EQ(csv_field("\t=1"), "\"'\t=1\"");
    EXPECT_EQ(csv_field("-2+3"), "\"'-2+3\"");
    EXPECT_EQ(csv_field("+"), "\"'+\"");
    for (const char* const plain :
         {"-1", "+2", "-0.5", "-1e-300", "+1.5e3", "-inf", "a=b", "1-2", "'"}) {
        EXPECT_EQ(csv_field(plain), plain);
    }
}

TEST(Csv, every_table_has_a_header_and_all_rows) {
    Trace trace = sample::trace(7, true);
    trace.intervals[0].ops[1].start = sample::kMin<Nanoseconds>;
    trace.intervals[0].ops[1].end = sample::kMax<Nanoseconds>;
    for (const CsvTable& table : csv_tables(trace)) {
        std::ostringstream out;
        table.write(out);
        EXPECT_THAT(csv_table_names(), testing::Contains(table.name));
        if (table.name == "ops") {
            EXPECT_THAT(
                out.str(), HasSubstr("interval,turn,device,block,start,end\n0,0,0,1,2,3\n")
            );
            EXPECT_THAT(out.str(), HasSubstr("-9223372036854775808,9223372036854775807\n"));
        }
        if (table.name == "devices") {
            EXPECT_THAT(out.str(), HasSubstr("\n1,größtes Gerät ✓,"));
        }
    }
    EXPECT_EQ(csv_tables(trace).size(), csv_table_names().size());
    EXPECT_EQ(csv_tables(sample::trace(7, false)).size() + 2, csv_table_names().size());
}

TEST(Csv, unknown_codes_stay_numbers) {
    Trace trace = sample::trace(1, false);
    trace.intervals[0].row.reason = 77;
    std::ostringstream out;
    csv_tables(trace)[6].write(out);
    EXPECT_EQ(csv_tables(trace)[6].name, "intervals");
    EXPECT_THAT(out.str(), HasSubstr(",greedy,77\n"));
}

TEST(Perfetto, is_json_whatever_the_values_are) {
    for (const bool with_ops : {false, true}) {
        std::ostringstream out;
        const PerfettoCounts counts = write_perfetto(sample::trace(7, with_ops), out);
        const nlohmann::json json = nlohmann::json::parse(out.str());
        EXPECT_EQ(json["traceEvents"].size(), static_cast<std::size_t>(counts.events));
    }
    std::ostringstream out;
    (void)write_perfetto(Trace(), out);
    EXPECT_TRUE(nlohmann::json::parse(out.str())["otherData"].is_object());
}

/// A gap without its message.
struct ShownGap {
    Nanoseconds begin;
    Nanoseconds end;
    GapKind kind;
    bool operator==(const ShownGap&) const = default;
};

std::vector<ShownGap> gaps_of(const Trace& trace, std::size_t device) {
    std::vector<ShownGap> shown;
    const auto gaps = gaps_by_device(trace, ops_by_device(trace));
    for (const Gap& gap : gaps[device]) {
        shown.push_back({gap.span.begin, gap.span.end, gap.kind});
    }
    return shown;
}

/// Returns a trace with two devices. The second one computes from 10 to 20 and from 60 to 70.
Trace two_devices() {
    Trace trace;
    trace.header.devices.resize(2);
    trace.header.with_ops = true;
    trace.intervals.resize(1);
    trace.intervals[0].ops = {
        {.turn = 1, .device = 1, .block = 0, .start = 60, .end = 70},
        {.turn = 0, .device = 1, .block = 0, .start = 10, .end = 20}};
    return trace;
}

TEST(Gaps, are_idle_unless_something_was_recorded) {
    const Trace trace = two_devices();
    EXPECT_THAT(gaps_of(trace, 0), ElementsAre());
    EXPECT_THAT(
        gaps_of(trace, 1),
        ElementsAre(ShownGap{0, 10, GapKind::idle}, ShownGap{20, 60, GapKind::idle})
    );
}

TEST(Gaps, are_waits_if_a_message_arrives_at_their_very_end) {
    Trace trace = two_devices();
    trace.intervals[0].messages = {
        {.turn = 7, .from = 0, .to = 1, .arrival = 60},
        {.turn = 1, .from = 0, .to = 1, .arrival = 60},
        {.turn = 0, .from = 0, .to = 1, .arrival = 9},
        {.turn = 0, .from = 1, .to = 0, .arrival = 10},
    };
    EXPECT_THAT(
        gaps_of(trace, 1),
        ElementsAre(ShownGap{0, 10, GapKind::idle}, ShownGap{20, 60, GapKind::waiting})
    );
    const auto gaps = gaps_by_device(trace, ops_by_device(trace));
    EXPECT_EQ(gaps[1].back().message.row, 1U) << "the message of the operation's own turn";
}

TEST(Gaps, end_with_paging_and_have_migrations_within) {
    Trace trace = two_devices();
    trace.intervals[0].messages = {{.turn = 1, .from = 0, .to = 1, .arrival = 50}};
    trace.intervals[0].events = {{.at = 50, .kind = 0, .device = 1, .text = ""}};
    trace.intervals[0].row.t_switch = 25;
    trace.intervals[0].row.t_resume = 40;
    EXPECT_THAT(
        gaps_of(trace, 1),
        ElementsAre(
            ShownGap{0, 10, GapKind::idle},
            ShownGap{20, 25, GapKind::idle},
            ShownGap{25, 40, GapKind::migrating},
            ShownGap{40, 50, GapKind::waiting},
            ShownGap{50, 60, GapKind::paging}
        )
    );
}

} // namespace
} // namespace headroom::trace
