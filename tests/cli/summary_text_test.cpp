// The summary after a run: short for a single request, with a row per request for several.
#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "cli/run/summary_text.hpp"
#include "tests/trace/request_traces.hpp"

namespace headroom::cli {
namespace {

using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;

namespace request_traces = trace::request_traces;

trace::Summary summary_of(const trace::Interval& interval) {
    trace::Summarizer summarizer;
    summarizer.begin(request_traces::header());
    summarizer.commit(interval);
    return summarizer.summary();
}

trace::Interval one_request() {
    trace::Interval interval = request_traces::interval({{.ends = {30'000, 50'000, 80'000}}});
    interval.row.sequence = 0;
    interval.row.in_flight = 1;
    interval.row.predicted_inference_ns = 25'000;
    interval.resources = {
        {.device = 0, .memory_budget_bytes = 1000, .memory_peak_bytes = 500, .busy_ns = 20'000},
        {.device = 1, .memory_budget_bytes = 500, .memory_peak_bytes = 100, .busy_ns = 6000}};
    return interval;
}

TEST(SummaryText, has_a_peak_a_last_budget_and_the_largest_share_of_a_budget) {
    trace::Interval first = one_request();
    first.resources = {{.device = 0, .memory_budget_bytes = 800, .memory_peak_bytes = 500}};
    trace::Interval poorer;
    poorer.resources = {{.device = 0, .memory_budget_bytes = 400, .memory_peak_bytes = 300}};
    trace::Interval last;
    last.resources = {{.device = 0, .memory_budget_bytes = 900, .memory_peak_bytes = 300}};
    trace::Summarizer summarizer;
    summarizer.begin(request_traces::header());
    for (const trace::Interval& interval : {first, poorer, last}) {
        summarizer.commit(interval);
    }
    const trace::Summary summary = summarizer.summary();
    EXPECT_THAT(
        summary_text(summary), ContainsRegex("hub +[0-9]+ +[0-9]+ % +500 B +900 B +75 %\n")
    );
    const nlohmann::json device = summary_json(summary)["devices"][0];
    EXPECT_EQ(device["memory_peak_bytes"], 500);
    EXPECT_EQ(device["memory_budget_bytes"], 900);
    EXPECT_EQ(device["memory_peak_fraction"], 0.75);
    EXPECT_EQ(device["memory_fullest_bytes"], 300);
    EXPECT_EQ(device["memory_fullest_budget_bytes"], 400);
}

std::int64_t lines_of(const std::string& text) {
    return std::count(text.begin(), text.end(), '\n');
}

TEST(SummaryText, of_one_request_is_short) {
    EXPECT_EQ(
        summary_text(summary_of(one_request())), R"(  tokens                  1 prompt + 3 sampled
  time to first token     30.0 us
  time per output token   25.0 us
  tokens/s with prefill   37500.000
  virtual time in all     80.0 us
  decisions               1, 0 moved blocks; 0.0 ms each on this host
  migrations              0 blocks (0 groups), 0 B in 0 ns
  activations sent        0 B
  predicted vs measured   decode 50.0 us vs 50.0 us (+0.0 %), migration 0 ns vs 0 ns

  device  blocks   busy        peak  last budget  peak/budget
  hub          1   25 %       500 B       1000 B         50 %
  phone        1    8 %       100 B        500 B         20 %
)"
    );
}

TEST(SummaryText, of_several_requests_has_a_row_for_each) {
    trace::Interval interval = request_traces::interval({
        {.sequence = 0, .ends = {40'000}},
        {.sequence = 1, .slot = 1, .arrival = 5000, .begin = 25'000, .ends = {60'000, 90'000}},
    });
    interval.row.batch = 2;
    interval.events = {
        {.at = 10'000,
         .kind = static_cast<std::int32_t>(trace::EventCode::admission_waits),
         .text = ""}};
    const std::string text = summary_text(summary_of(interval));
    EXPECT_THAT(text, HasSubstr("2 prompt + 3 sampled in 2 sequences\n"));
    EXPECT_THAT(text, HasSubstr("time to first token     47.5 us after the arrival, mean\n"));
    EXPECT_THAT(text, HasSubstr("time per output token   30.0 us, mean\n"));
    EXPECT_THAT(text, HasSubstr("tokens/s with prefill   33333.333 of all sequences together\n"));
    EXPECT_THAT(text, HasSubstr("sequences in flight     at most 2, 1.17 on average; batch 2\n"));
    EXPECT_THAT(text, HasSubstr("waited for memory       1 request, the longest 15.0 us\n"));
    EXPECT_THAT(text, HasSubstr(R"(
  sequence  prompt  sampled  slot  arrival   waited  first token  per token      end
  0              1        1     0     0 ns     0 ns      40.0 us          -  40.0 us
  1              1        2     1  5.00 us  20.0 us      55.0 us    30.0 us  90.0 us
)"));
    EXPECT_THAT(text, Not(HasSubstr("p95")));
}

TEST(SummaryText, of_many_requests_has_percentiles_and_few_rows) {
    const std::string few =
        summary_text(summary_of(request_traces::interval(request_traces::staggered_requests(8, 1)))
        );
    EXPECT_THAT(few, Not(HasSubstr("p95")));
    const trace::Summary summary =
        summary_of(request_traces::interval(request_traces::staggered_requests(40, 1)));
    const std::string many = summary_text(summary);
    EXPECT_THAT(
        many, ContainsRegex("time to first token .* after the arrival, mean; p50 .*, p95 ")
    );
    EXPECT_THAT(many, ContainsRegex("time per output token .*, mean; p50 .*, p95 "));
    EXPECT_THAT(many, HasSubstr("  and 24 more, see the trace or --json\n"));
    EXPECT_EQ(lines_of(many) - lines_of(few), 8 + 1);
    EXPECT_EQ(summary_json(summary)["sequences"].size(), 40U);
}

TEST(SummaryText, leaves_out_the_unknown_arrival_of_a_killed_sequence) {
    trace::Interval interval = request_traces::interval({
        {.sequence = 0, .ends = {40'000}},
        {.sequence = 1, .slot = 1, .begin = 25'000, .ends = {60'000, 90'000}},
    });
    interval.requests.pop_back();
    const trace::Summary summary = summary_of(interval);
    EXPECT_THAT(summary_text(summary), ContainsRegex("1 +1 +2 +1 +- +- +35.0 us +30.0 us +-\n"));
    const nlohmann::json json = summary_json(summary)["sequences"][1];
    EXPECT_FALSE(json["ended"]);
    EXPECT_TRUE(json["arrival_ns"].is_null());
    EXPECT_TRUE(json["waited_ns"].is_null());
    EXPECT_TRUE(json["end_ns"].is_null());
    EXPECT_EQ(json["begin_ns"], 25'000);
}

TEST(SummaryText, has_no_end_of_a_sequence_that_was_interrupted_before_its_first_token) {
    trace::Interval interval = request_traces::interval({
        {.sequence = 0, .ends = {40'000}},
        {.sequence = 1, .slot = 1, .arrival = 5000, .begin = 25'000, .ends = {60'000}},
    });
    std::erase_if(interval.tokens, [](const trace::TokenRow& token) {
        return token.sequence == 1 && token.is_prompt == 0;
    });
    const trace::Summary summary = summary_of(interval);
    EXPECT_THAT(summary_text(summary), ContainsRegex("1 +1 +0 +1 +5.00 us +20.0 us +- +- +-\n"));
    const nlohmann::json json = summary_json(summary)["sequences"][1];
    EXPECT_TRUE(json["ended"]);
    EXPECT_TRUE(json["end_ns"].is_null());
}

TEST(SummaryText, and_json_have_the_same_figures) {
    const nlohmann::json json = summary_json(summary_of(one_request()));
    EXPECT_EQ(json["time_to_first_token_ns"], 30'000);
    EXPECT_EQ(json["sequences_in_flight_most"], 1);
    EXPECT_EQ(json["batch_largest"], 1);
    EXPECT_EQ(json["waited_for_memory"], 0);
    EXPECT_EQ(json["devices"][0]["busy_ns"], 20'000);
    EXPECT_DOUBLE_EQ(json["devices"][0]["utilisation"], 0.25);
    const nlohmann::json& sequence = json["sequences"][0];
    EXPECT_EQ(sequence["slot"], 0);
    EXPECT_EQ(sequence["arrival_ns"], 0);
    EXPECT_EQ(sequence["waited_ns"], 0);
    EXPECT_EQ(sequence["end_ns"], 80'000);
}

} // namespace
} // namespace headroom::cli
